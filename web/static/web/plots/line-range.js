// @ts-check
// What part of x and y a line plot shows.
import { parseWindow, windowStart } from "./rolling.js";

/** @typedef {import("./line-series.js").PlotSeries} PlotSeries */
/** @typedef {{x: [number, number], y: [number, number]}} Range */
/** @typedef {{logX: boolean, logY: boolean, window: import("./rolling.js").Window}} RangeOptions */

/**
 * Return the range that shows all points within the window, with some room above and below.
 * @param {PlotSeries[]} series
 * @param {RangeOptions} options
 * @returns {Range}
 */
export function fullRange(series, options) {
  const x = union(series.map((s) => s.xExtent(firstShown(s, options), options.logX)));
  // The ends of a curve that turns back on x are not at the edges.
  const share = series.every((s) => s.sorted) ? 0 : 0.04;
  const y = yRange(series, x, options);
  // A single time is in the middle of some seconds.
  if (x[0] === x[1] && !options.logX) return { x: [x[0] - Math.max(1, x[0] * 1e-9), x[1] + Math.max(1, x[1] * 1e-9)], y };
  return { x: widened(x, options.logX, share), y };
}

/**
 * Return the range of y of the points within a range of x.
 * @param {PlotSeries[]} series
 * @param {[number, number]} x
 * @param {RangeOptions} options
 * @returns {[number, number]}
 */
export function yRange(series, x, options) {
  const extents = series.map((s) => {
    const first = firstShown(s, options);
    // Without the neighbours beyond the edges, which count for the line but not for the limits.
    const from = s.sorted ? Math.max(first, s.indexAt(x[0])) : first;
    const to = s.sorted ? Math.min(s.length, s.indexAt(x[1]) + 1) : s.length;
    return s.yExtent(from, to, options.logY);
  });
  return widened(union(extents), options.logY, 0.06);
}

/**
 * Return the index with which the window on a series begins.
 * @param {PlotSeries} series
 * @param {RangeOptions} options
 */
export function firstShown(series, { window }) {
  return windowStart(series.sorted ? series.x : null, series.length, window);
}

/** @param {[number, number][]} extents @returns {[number, number]} */
function union(extents) {
  const finite = extents.flat().filter(Number.isFinite);
  return finite.length ? [Math.min(...finite), Math.max(...finite)] : [NaN, NaN];
}

/**
 * @param {[number, number]} extent
 * @param {boolean} log
 * @param {number} share  of the extent, added at each side
 * @returns {[number, number]}
 */
function widened([min, max], log, share) {
  if (!Number.isFinite(min)) return log ? [1, 10] : [0, 1];
  if (log) {
    const factor = max > min ? (max / min) ** share : 3;
    return [min / factor, max * factor];
  }
  const room = max > min ? (max - min) * share : Math.abs(max) * 0.1 || 1;
  return [min - room, max + room];
}

/**
 * Parse a zoomed range as it is in the address: "x0,x1" or "x0,x1,y0,y1"; null if it is none.
 * @param {unknown} text
 * @returns {{x: [number, number], y: [number, number] | null} | null}
 */
export function parseRange(text) {
  const numbers = String(text ?? "").split(",").map(Number);
  if (![2, 4].includes(numbers.length) || !text || !numbers.every(Number.isFinite)) return null;
  const [x0, x1, y0, y1] = numbers;
  if (!(x1 > x0) || (numbers.length === 4 && !(y1 > y0))) return null;
  return { x: [x0, x1], y: numbers.length === 4 ? [y0, y1] : null };
}

/**
 * @param {[number, number]} x
 * @param {[number, number] | null} y
 */
export function formatRange(x, y) {
  return [...x, ...(y ?? [])].map((value) => Number(value.toPrecision(15))).join(",");
}

/**
 * Return the range that a view shows: its zoom, or everything.
 * @param {PlotSeries[]} series
 * @param {Record<string, unknown>} view
 * @returns {Range}
 */
export function shownRange(series, view) {
  const options = rangeOptions(view);
  const zoom = parseRange(view.range);
  if (!zoom || (options.logX && zoom.x[0] <= 0)) return fullRange(series, options);
  const y = zoom.y && !(options.logY && zoom.y[0] <= 0) ? zoom.y : yRange(series, zoom.x, options);
  return { x: zoom.x, y };
}

/** @param {Record<string, unknown>} view @returns {RangeOptions} */
export function rangeOptions(view) {
  return { logX: Boolean(view.logx), logY: Boolean(view.logy), window: parseWindow(view.window) };
}

/**
 * Return an interval scaled about its middle, and moved by a share of its length.
 * @param {[number, number]} interval
 * @param {number} factor
 * @param {number} shift
 * @param {boolean} log
 * @returns {[number, number]}
 */
export function zoomed([min, max], factor, shift, log) {
  const [low, high] = log ? [Math.log(min), Math.log(max)] : [min, max];
  const middle = (low + high) / 2 + (high - low) * shift;
  const half = ((high - low) / 2) * factor;
  return log ? [Math.exp(middle - half), Math.exp(middle + half)] : [middle - half, middle + half];
}
