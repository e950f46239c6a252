// @ts-check
// Row and column profiles through the cursor, along the sides of the image.
import { html } from "../vendor/preact.js";
import { masker, pixelAt, reader } from "./frame.js";
import { colour, useDrawing } from "./hooks.js";
import { shortNumber } from "./scales.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Part} Part
 * @typedef {"row" | "column"} Direction
 */

const MARGIN = 4;

/**
 * Return the values of the row or the column of a pixel; NaN where masked.
 * @param {Frame} frame
 * @param {Part} part
 * @param {Direction} direction
 * @param {number} pixel
 * @param {number[]} maskValues
 * @returns {Float64Array}
 */
export function profile(frame, part, direction, pixel, maskValues) {
  const row = Math.floor(pixel / frame.width);
  const column = pixel - row * frame.width;
  const along = direction === "row";
  const values = new Float64Array(along ? frame.width : frame.height);
  const read = reader(frame, part);
  const isMasked = masker(frame, maskValues);
  for (let i = 0; i < values.length; i++) {
    const at = along ? row * frame.width + i : i * frame.width + column;
    values[i] = isMasked?.(at) ? NaN : read(at);
  }
  return values;
}

/**
 * Return the pixel that profiles go through: at the cursor, or in the middle of what is shown.
 * @param {Display} display
 * @param {Frame} frame
 */
function pixelOf(display, frame) {
  const pixel = display.pixelAtCursor();
  if (pixel >= 0) return pixel;
  const { y0, y1, x0, x1 } = display.zoom.visible;
  return pixelAt(frame, (y0 + y1) / 2, (x0 + x1) / 2);
}

/**
 * Return smallest and largest value per pixel of the stage, so that a peak is never left out.
 * @param {Display} display
 * @param {Direction} direction
 * @param {Float64Array} values
 * @param {number} length
 */
function envelope(display, direction, values, length) {
  const frame = /** @type {Frame} */ (display.frame);
  const { ax, bx, ay, by } = display.zoom.transform(frame);
  const density = display.zoom.density;
  const [a, b] = direction === "row" ? [ax * density, bx] : [ay * density, by];
  const low = new Float64Array(length).fill(NaN);
  const high = new Float64Array(length).fill(NaN);
  for (let p = 0; p < length; p++) {
    const [one, other] = [a * p + b, a * (p + 1) + b];
    const start = Math.floor(Math.min(one, other));
    const first = Math.max(0, start);
    const last = Math.min(values.length, Math.max(start + 1, Math.ceil(Math.max(one, other))));
    for (let i = first; i < last; i++) {
      const v = values[i];
      if (v - v !== 0) continue;
      if (!(low[p] <= v)) low[p] = v;
      if (!(high[p] >= v)) high[p] = v;
    }
  }
  return { low, high };
}

/** @param {{display: Display, direction: Direction}} props */
export function Profile({ display, direction }) {
  const canvas = useDrawing(display, (context, width, height) => {
    const { frame, settings } = display;
    const pixel = frame ? pixelOf(display, frame) : -1;
    if (!frame || pixel < 0) return;
    const values = profile(frame, settings.part, direction, pixel, display.maskValues);
    const length = direction === "row" ? width : height;
    paint(context, width, height, direction, envelope(display, direction, values, length));
  });
  const label = direction === "row" ? "Row profile" : "Column profile";
  return html`<canvas class=${`image-profile ${direction}`} ref=${canvas} role="img" aria-label=${label}></canvas>`;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 * @param {Direction} direction
 * @param {{low: Float64Array, high: Float64Array}} lines
 */
function paint(context, width, height, direction, { low, high }) {
  let [min, max] = [Infinity, -Infinity];
  for (let p = 0; p < low.length; p++) {
    if (low[p] < min) min = low[p];
    if (high[p] > max) max = high[p];
  }
  if (!(max >= min)) return;
  const along = direction === "row";
  const depth = (along ? height : width) - 2 * MARGIN;
  const scale = depth / (max - min || 1);
  const to = (/** @type {number} */ v) => (along ? MARGIN + depth - (v - min) * scale : MARGIN + (v - min) * scale);
  context.strokeStyle = colour(context.canvas, "--accent");
  context.lineWidth = 1.25;
  context.beginPath();
  let started = false;
  for (let p = 0; p < low.length; p++) {
    if (Number.isNaN(low[p])) {
      started = false;
      continue;
    }
    for (const v of low[p] === high[p] ? [low[p]] : [low[p], high[p]]) {
      const [x, y] = along ? [p + 0.5, to(v)] : [to(v), p + 0.5];
      if (started) context.lineTo(x, y);
      else context.moveTo(x, y);
      started = true;
    }
  }
  context.stroke();
  label(context, width, height, along, min, max);
}

/**
 * Write the smallest and the largest value at the ends of the axis.
 * @param {CanvasRenderingContext2D} context
 * @param {number} width
 * @param {number} height
 * @param {boolean} along
 * @param {number} min
 * @param {number} max
 */
function label(context, width, height, along, min, max) {
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = colour(context.canvas, "--muted");
  context.textAlign = "left";
  context.textBaseline = "bottom";
  context.fillText(shortNumber(min), 2, height - 1);
  context.textAlign = along ? "left" : "right";
  context.textBaseline = along ? "top" : "bottom";
  context.fillText(shortNumber(max), along ? 2 : width - 2, along ? 1 : height - 1);
}
