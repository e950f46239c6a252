// @ts-check
// Regions of interest: their statistics, and changes of their corners.
import { masker, pixelsOf, reader } from "./frame.js";

/**
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Part} Part
 * @typedef {import("./types.js").Region} Region
 * @typedef {{count: number, mean: number, sum: number, min: number, max: number, outside: boolean}} Statistics
 * @typedef {"move" | "nw" | "ne" | "sw" | "se"} Grip
 */

/**
 * Return statistics of the finite, unmasked pixels of the frame in a region.
 * @param {Frame} frame
 * @param {Part} part
 * @param {Region} region
 * @param {number[]} maskValues
 * @returns {Statistics}
 */
export function statistics(frame, part, region, maskValues) {
  const read = reader(frame, part);
  const isMasked = masker(frame, maskValues);
  const { y0, y1, x0, x1 } = pixelsOf(frame, region);
  let [count, sum, min, max] = [0, 0, Infinity, -Infinity];
  for (let y = y0; y < y1; y++) {
    for (let i = y * frame.width + x0, end = i + x1 - x0; i < end; i++) {
      const value = read(i);
      if (value - value !== 0 || isMasked?.(i)) continue;
      count++;
      sum += value;
      if (value < min) min = value;
      if (value > max) max = value;
    }
  }
  const outside =
    region.y0 < frame.y0 ||
    region.x0 < frame.x0 ||
    region.y1 > frame.y0 + frame.height * frame.dy ||
    region.x1 > frame.x0 + frame.width * frame.dx;
  if (count === 0) return { count, mean: NaN, sum: 0, min: NaN, max: NaN, outside };
  return { count, mean: sum / count, sum, min, max, outside };
}

/**
 * Return a region of whole pixels, of at least one, within the array.
 * @param {Region} region
 * @param {{width: number, height: number}} full
 * @returns {Region}
 */
export function whole(region, full) {
  const cut = (/** @type {number} */ v, /** @type {number} */ low, /** @type {number} */ high) =>
    Math.min(high, Math.max(low, Math.round(v)));
  const y0 = cut(Math.min(region.y0, region.y1), 0, full.height - 1);
  const x0 = cut(Math.min(region.x0, region.x1), 0, full.width - 1);
  return {
    y0,
    y1: cut(Math.max(region.y0, region.y1), y0 + 1, full.height),
    x0,
    x1: cut(Math.max(region.x0, region.x1), x0 + 1, full.width),
  };
}

/**
 * Return the region of all pixels between two points, and of those that they are in.
 * @param {{y: number, x: number}} a
 * @param {{y: number, x: number}} b
 * @param {{width: number, height: number}} full
 * @returns {Region}
 */
export function spanned(a, b, full) {
  const y0 = Math.floor(Math.min(a.y, b.y));
  const x0 = Math.floor(Math.min(a.x, b.x));
  const y1 = Math.ceil(Math.max(a.y, b.y));
  const x1 = Math.ceil(Math.max(a.x, b.x));
  return whole({ y0, y1, x0, x1 }, full);
}

/**
 * Return a region after its grip was dragged by some indices.
 * @param {Region} region
 * @param {Grip} grip
 * @param {number} dy
 * @param {number} dx
 * @param {{width: number, height: number}} full
 * @returns {Region}
 */
export function dragged(region, grip, dy, dx, full) {
  if (grip === "move") {
    const my = Math.round(Math.min(full.height - region.y1, Math.max(-region.y0, dy)));
    const mx = Math.round(Math.min(full.width - region.x1, Math.max(-region.x0, dx)));
    return { y0: region.y0 + my, y1: region.y1 + my, x0: region.x0 + mx, x1: region.x1 + mx };
  }
  const changed = { ...region };
  if (grip[0] === "n") changed.y0 += dy;
  else changed.y1 += dy;
  if (grip[1] === "w") changed.x0 += dx;
  else changed.x1 += dx;
  return whole(changed, full);
}

/**
 * Return the grip at a point: a corner within reach, or the inside.
 * @param {Region} region
 * @param {number} y
 * @param {number} x
 * @param {number} reachY
 * @param {number} reachX
 * @returns {Grip | null}
 */
export function gripAt(region, y, x, reachY, reachX) {
  const vertical = nearer(y, region.y0, region.y1, reachY, "n", "s");
  const horizontal = nearer(x, region.x0, region.x1, reachX, "w", "e");
  if (vertical && horizontal) return /** @type {Grip} */ (vertical + horizontal);
  const inside = y >= region.y0 && y <= region.y1 && x >= region.x0 && x <= region.x1;
  return inside ? "move" : null;
}

/**
 * @param {number} v
 * @param {number} a
 * @param {number} b
 * @param {number} reach
 * @param {string} first
 * @param {string} second
 */
function nearer(v, a, b, reach, first, second) {
  const [toA, toB] = [Math.abs(v - a), Math.abs(v - b)];
  if (Math.min(toA, toB) > reach) return null;
  return toA <= toB ? first : second;
}
