// @ts-check
// A sparse array: an image of it where it has two axes or more, a plot where it has one, or its elements.
import { html, useMemo } from "../vendor/preact.js";
import { ImageView } from "../image/image-view.js";
import { DataGrid } from "../plots/data-grid.js";
import { LinePlot } from "../plots/line-plot.js";
import { AxisSliders } from "./axis-sliders.js";
import { Tabs } from "./choices.js";
import { denseFrame } from "./dense.js";
import { Pending } from "./slots.js";
import { useStored } from "./use-stored.js";

/** @param {any} props */
export function SparsePanel({ client, info, view, onView, onLive }) {
  const { shape, dims } = info.structure;
  const lead = useMemo(() => shape.slice(0, -2), [shape]);
  const index = useMemo(() => parseIndex(view.index, lead), [view.index, lead]);
  const read = (/** @type {any} */ node, /** @type {AbortSignal} */ signal) =>
    node.read({ slice: lead.length ? [...index, ":", ":"].join(",") : undefined, signal });
  const { value, failure, live } = useStored(client, info, index.join(), read, onLive, lead.length ? undefined : (data) => data);
  const frame = useMemo(() => (value && shape.length > 1 ? denseFrame(value, live.update?.timestamp ?? null) : null), [value]);
  const series = useMemo(() => (value && shape.length === 1 ? [pointSeries(value, info.key)] : []), [value]);
  if (!value) return html`<${Pending} failure=${failure} />`;
  const list = view.show === "list";
  return html`<div class="panel sparse-panel">
    ${failure && html`<p class="error">${failure}</p>`}
    <div class="table-head"><${Tabs} label="How to show the array" value=${list ? "list" : "image"} tabs=${[["image", shape.length > 1 ? "Image" : "Plot"], ["list", "Elements"]]}
        onChange=${(/** @type {string} */ show) => onView({ show: show === "list" ? show : null })} />
      <span class="muted num">${value.data.length} elements${lead.length ? " at this index" : ""}</span></div>
    ${lead.length > 0 && html`<${AxisSliders} lead=${lead} dims=${dims} index=${index} newest=${!view.index} onIndex=${(/** @type {number[] | null} */ next) => onView({ index: next ? next.join(",") : null })} />`}
    <div class="panel-fill">${
      list
        ? html`<${Elements} value=${value} dims=${dims?.slice(lead.length)} label=${info.key} />`
        : frame
          ? html`<${ImageView} frame=${frame} view=${view} onView=${onView} label=${info.key} />`
          : html`<${LinePlot} series=${series} view=${{ points: "only", ...view }} onView=${onView} label=${info.key} />`
    }</div>
    ${frame && !list && frame.dx * frame.dy > 1 && html`<p class="muted">Each pixel is the sum of ${frame.dy} by ${frame.dx} elements.</p>`}
  </div>`;
}

/** @param {any} props */
function Elements({ value, dims, label }) {
  const { coords, data } = value;
  const columns = [...coords.map((/** @type {any} */ _, /** @type {number} */ axis) => ({ name: dims?.[axis] ?? `axis ${axis}`, type: "number" })), { name: "value", type: "number" }];
  const rows = async (/** @type {number} */ start, /** @type {number} */ stop) => ({
    start,
    length: stop - start,
    value: (/** @type {number} */ row, /** @type {number} */ column) => (column < coords.length ? coords[column] : data)[start + row],
  });
  return html`<${DataGrid} label=${`Elements of ${label}`} columns=${columns} total=${data.length} rows=${rows} revision=${value} />`;
}

/**
 * @param {any} value
 * @param {string} label
 */
function pointSeries({ coords, data }, label) {
  return { label, x: Float64Array.from(coords[0], Number), y: Float64Array.from(data, Number) };
}

/**
 * Return the index along the leading axes; by default the last.
 * @param {string | undefined} text
 * @param {number[]} lead
 */
function parseIndex(text, lead) {
  const numbers = (text ?? "").split(",").map(Number);
  const usable = text && numbers.length === lead.length && numbers.every((n) => Number.isInteger(n) && n >= 0);
  return lead.map((size, i) => Math.min(usable ? numbers[i] : size - 1, Math.max(0, size - 1)));
}
