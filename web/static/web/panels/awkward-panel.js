// @ts-check
// An awkward array: some of its items as a tree. Only these are read.
import { html, useMemo } from "../vendor/preact.js";
import { JsonTree } from "../app/json-tree.js";
import { numbered } from "./ragged-panel.js";
import { Pending, RowRange, parseRows } from "./slots.js";
import { useStored } from "./use-stored.js";

const COUNTS = [10, 25, 100, 500];

/** @param {any} props */
export function AwkwardPanel({ client, info, view, onView, onLive }) {
  const { first, count } = parseRows(view, 25);
  const total = info.structure.length;
  const start = Math.max(0, Math.min(first ?? total - count, total - 1));
  const stop = Math.min(total, start + count);
  const read = async (/** @type {any} */ node, /** @type {AbortSignal} */ signal) =>
    ({ start, items: stop > start ? await node.read({ slice: `${start}:${stop}`, info, signal }) : [] });
  // Items that are only streamed, not stored, are shown as they arrive.
  const fromUpdate = (/** @type {any[]} */ items) => ({ start, items: items.slice(start, stop) });
  const { value, failure } = useStored(client, info, `${start}:${stop}`, read, onLive, fromUpdate);
  const shown = useMemo(() => value && numbered(value.items, value.start), [value]);
  if (value === null) return html`<${Pending} failure=${failure} />`;
  return html`<div class="panel">
    ${failure && html`<p class="error">${failure}</p>`}
    <div class="toolbar"><${RowRange} total=${total} first=${first} count=${count} counts=${COUNTS} what="items"
      onChange=${(/** @type {any} */ patch) => onView({ first: patch.first, count: patch.count === 25 ? null : patch.count })} /></div>
    <div class="panel-fill panel-scroll"><${JsonTree} label=${info.key} value=${shown} /></div>
  </div>`;
}
