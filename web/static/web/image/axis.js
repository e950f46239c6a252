// @ts-check
// The axis of values that histogram and colour bar share, and what is painted along it.
import { histogram, histogramRange } from "./limits.js";
import { denormaliser, normaliser, shortNumber, ticks } from "./scales.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./types.js").Limits} Limits
 * @typedef {import("./types.js").Scale} Scale
 * @typedef {{range: Limits, scale: Scale, toUnit: (v: number) => number, toValue: (t: number) => number}} Axis
 */

/**
 * Return the axis of a display. A power has no good axis below the lower limit, so it is linear there.
 * @param {Display} display
 * @param {Limits} [range]
 * @returns {Axis}
 */
export function axisOf(display, range) {
  const { settings, sample, limits } = display;
  const scale = settings.scale === "log" || settings.scale === "symlog" ? settings.scale : "linear";
  const used = range ?? histogramRange(sample, limits, scale);
  return {
    range: used,
    scale,
    toUnit: normaliser(scale, 1, used.lo, used.hi),
    toValue: denormaliser(scale, 1, used.lo, used.hi),
  };
}

/**
 * Paint the histogram; counts are logarithmic, so that rare values are seen.
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 * @param {Display} display
 * @param {Axis} axis
 * @param {{inside: string, outside: string}} colours
 */
export function paintHistogram(context, width, height, display, axis, { inside, outside }) {
  const bins = Math.max(16, Math.min(256, Math.floor(width / 2)));
  const counts = histogram(display.sample, axis.toUnit, bins);
  const most = Math.log1p(counts.reduce((a, b) => Math.max(a, b), 1));
  const { lo, hi } = display.limits;
  for (let i = 0; i < bins; i++) {
    if (counts[i] === 0) continue;
    const value = axis.toValue((i + 0.5) / bins);
    const x = Math.floor((i * width) / bins);
    const h = Math.max(1, (Math.log1p(counts[i]) / most) * (height - 1));
    context.fillStyle = value >= lo && value <= hi ? inside : outside;
    context.fillRect(x, height - h, Math.floor(((i + 1) * width) / bins) - x, h);
  }
}

/** A bar of one row, which is stretched to its place. @type {OffscreenCanvas | null} */
let strip = null;

/**
 * Paint the colours of the values along an axis.
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, width: number, height: number}} box
 * @param {Display} display
 * @param {Axis} axis
 */
export function paintColours(context, box, display, axis) {
  if (!display.frame) return;
  const drawing = display.drawing(display.frame);
  const { lo, hi } = drawing.limits;
  const toUnit = normaliser(drawing.scale, drawing.gamma, lo, hi);
  const width = Math.max(1, Math.round(box.width));
  const pixels = new ImageData(width, 1);
  // A colour of four bytes as one number: the bar is painted with each histogram.
  const out = new Uint32Array(pixels.data.buffer);
  const table = new Uint32Array(drawing.table.slice().buffer);
  const [below, above] = new Uint32Array(Uint8Array.of(...drawing.below, ...drawing.above).buffer);
  for (let x = 0; x < width; x++) {
    const value = axis.toValue((x + 0.5) / width);
    const i = Math.max(0, Math.min(255, Math.floor(toUnit(value) * 256)));
    out[x] = value < lo ? below : value > hi ? above : table[i];
  }
  strip ??= new OffscreenCanvas(width, 1);
  strip.width = width;
  strip.getContext("2d")?.putImageData(pixels, 0, 0);
  context.drawImage(strip, box.x, box.y, box.width, box.height);
}

/**
 * Paint ticks and their numbers below a colour bar.
 * @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, width: number}} box
 * @param {Axis} axis
 * @param {string} colour
 */
export function paintTicks(context, box, axis, colour) {
  context.font = "11px system-ui, sans-serif";
  context.textBaseline = "top";
  context.textAlign = "left";
  context.fillStyle = colour;
  let free = box.x;
  for (const value of ticks(axis.scale, axis.range.lo, axis.range.hi, Math.max(2, box.width / 80))) {
    const x = box.x + axis.toUnit(value) * box.width;
    const text = shortNumber(value);
    const size = context.measureText(text).width;
    const left = Math.min(box.x + box.width - size, Math.max(box.x, x - size / 2));
    if (left < free || x < box.x || x > box.x + box.width) continue;
    context.fillRect(Math.round(x), box.y, 1, 4);
    context.fillText(text, left, box.y + 6);
    free = left + size + 8;
  }
}
