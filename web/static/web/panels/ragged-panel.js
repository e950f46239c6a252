// @ts-check
// A ragged array: some of its rows as lines, or as a tree where rows hold lists themselves.
import { html, useMemo, useState } from "../vendor/preact.js";
import { JsonTree } from "../app/json-tree.js";
import { LinePlot } from "../plots/line-plot.js";
import { Tabs } from "./choices.js";
import { Pending, RowRange, parseRows } from "./slots.js";
import { useStored } from "./use-stored.js";

const COUNTS = [1, 3, 6, 12, 24];

/** @param {any} props */
export function RaggedPanel({ client, info, view, onView, onLive }) {
  const { first, count } = parseRows(view, 6);
  const [total, setTotal] = useState(info.structure.shape[0] ?? 0);
  const read = async (/** @type {any} */ node, /** @type {AbortSignal} */ signal) => {
    const { structure } = await node.info({ signal, dataSources: false });
    const length = structure.shape[0];
    setTotal(length);
    const start = Math.min(first ?? length, Math.max(0, length - count));
    const rows = length ? await node.read({ slice: `${start}:${Math.min(length, start + count)}`, signal }) : [];
    return { start, rows };
  };
  // Rows that are only streamed, not stored, are shown as they arrive.
  const fromUpdate = (/** @type {any[]} */ rows, /** @type {any} */ update) => {
    const start = update.offset?.[0] ?? 0;
    return { start: start + Math.max(0, rows.length - count), rows: rows.slice(-count) };
  };
  const { value, failure } = useStored(client, info, `${first}:${count}`, read, onLive, fromUpdate);
  const flat = useMemo(() => value && value.rows.every((/** @type {any} */ row) => Array.isArray(row) && row.every((item) => item === null || typeof item !== "object")), [value]);
  const series = useMemo(
    () => (flat ? value.rows.map((/** @type {any[]} */ row, /** @type {number} */ i) => ({ label: `row ${value.start + i} (${row.length})`, x: null, y: row })) : []),
    [value, flat],
  );
  if (!value) return html`<${Pending} failure=${failure} />`;
  const tree = !flat || view.show === "list";
  const range = html`<${RowRange} total=${total} first=${first} count=${count} counts=${COUNTS} what="rows"
    onChange=${(/** @type {any} */ patch) => onView({ first: patch.first, count: patch.count === 6 ? null : patch.count, range: null })} />`;
  return html`<div class="panel">
    ${failure && html`<p class="error">${failure}</p>`}
    ${flat && html`<${Tabs} label="How to show the rows" tabs=${[["plot", "Lines"], ["list", "Values"]]} value=${tree ? "list" : "plot"} onChange=${(/** @type {string} */ show) => onView({ show: show === "list" ? show : null })} />`}
    ${
      tree
        ? html`<div class="toolbar">${range}</div><div class="panel-fill panel-scroll"><${JsonTree} label=${info.key} value=${numbered(value.rows, value.start)} /></div>`
        : html`<div class="panel-fill"><${LinePlot} series=${series} view=${view} onView=${onView} label=${info.key} xLabel="index in the row" tools=${range} /></div>`
    }
  </div>`;
}

/**
 * Return items by their numbers in the array.
 * @param {any[]} items
 * @param {number} start
 */
export function numbered(items, start) {
  return Object.fromEntries(items.map((item, i) => [`[${start + i}]`, item]));
}
