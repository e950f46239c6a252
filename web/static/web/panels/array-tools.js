// @ts-check
// Choices for images: how pixels are reduced to those of the canvas, and an aggregate of the newest.
import { html, useMemo, useRef } from "../vendor/preact.js";
import { AGGREGATIONS, FrameAggregate } from "../plots/aggregate.js";
import { Choice } from "./choices.js";

const COUNTS = ["10", "3", "30", "100"];
/** How a pixel of the canvas stands for several of the array. */
const METHODS = [
  ["mean", "mean"],
  ["max", "maximum: keeps peaks"],
  ["min", "minimum"],
  ["sum", "sum"],
  ["stride", "single pixels"],
];

/**
 * @param {{view: Record<string, string>, onView: (patch: any) => void, reduced: boolean, colours: boolean | null}} props
 *   `colours`: whether the last axis is shown as colours; null if it cannot be
 */
export function ArrayTools({ view, onView, reduced, colours }) {
  return html`<span class="array-choices">${
    colours !== null &&
    html`<button class="btn" aria-pressed=${colours} title="Show the last axis as red, green, blue and opacity" onClick=${() => onView({ colour: colours ? "off" : "on" })}>colours</button>`
  }${
    reduced &&
    html`<${Choice} label="Reduction" value=${view.reduce ?? "mean"} options=${METHODS} onChange=${(/** @type {string} */ reduce) => onView({ reduce: reduce === "mean" ? null : reduce })} />`
  }
    ${!colours && html`<${Choice} label="Aggregate" value=${view.aggregate ?? ""} options=${[["", "no aggregate"], ...AGGREGATIONS.map((kind) => [kind, `${kind} of`])]} onChange=${(/** @type {string} */ aggregate) => onView({ aggregate })} />`}
    ${!colours && view.aggregate && html`<${Choice} label="Over the newest" value=${view.frames ?? COUNTS[0]} options=${COUNTS.map((n) => [n, `${n} images`])} onChange=${(/** @type {string} */ frames) => onView({ frames })} />`}</span>`;
}

/**
 * Return a frame with the aggregate of the newest frames in place of its pixels, if one is chosen.
 * @param {any} frame
 * @param {Record<string, string>} view
 */
export function useAggregate(frame, view) {
  const kind = /** @type {any} */ (AGGREGATIONS.find((name) => name === view.aggregate));
  const count = Number(view.frames ?? COUNTS[0]);
  const frames = useRef(/** @type {FrameAggregate | null} */ (null));
  return useMemo(() => {
    // Channels of colours and parts of complex numbers have no maximum.
    if (!kind || !frame || frame.kind === "c" || frame.channels !== 1) return frame;
    if (frames.current?.count !== count) frames.current = new FrameAggregate(count);
    frames.current.push(typeof frame.data[0] === "bigint" ? Float64Array.from(frame.data, Number) : frame.data);
    return { ...frame, kind: "f", data: frames.current.result(kind) };
  }, [frame, kind, count]);
}
