// @ts-check
// Convert arrays of the client to numbers that plots can draw.
import { toNumbers } from "../plots/line-series.js";

/** @typedef {import("../plots/decimate.js").Numbers} Numbers */
/** Parts of complex numbers, by the names that the image view has for them. */
export const PARTS = ["amplitude", "phase", "real", "imaginary"];

/**
 * Return the elements of an array as numbers; of complex numbers, the given part.
 * @param {{dtype: {kind: string}, data: any}} array
 * @param {string} part  one of PARTS
 * @returns {Numbers}
 */
export function numbersOf(array, part) {
  if (array.dtype.kind !== "c") return toNumbers(array.data);
  const { data } = array;
  const result = new Float64Array(data.length / 2);
  for (let i = 0; i < result.length; i += 1) {
    const [re, im] = [data[2 * i], data[2 * i + 1]];
    if (part === "real") result[i] = re;
    else if (part === "imaginary") result[i] = im;
    else result[i] = part === "phase" ? Math.atan2(im, re) : Math.hypot(re, im);
  }
  return result;
}

/**
 * Interleave minima and maxima of cells, so that a line through them covers the data.
 * @param {Numbers} low
 * @param {Numbers} high
 */
export function interleaved(low, high) {
  const result = new Float64Array(2 * low.length);
  for (let i = 0; i < low.length; i += 1) {
    result[2 * i] = low[i];
    result[2 * i + 1] = high[i];
  }
  return result;
}

/**
 * Return the place of an update in a one-dimensional array: where its data begin, or null if it
 * replaces all of the array.
 * @param {any} update
 * @param {number[] | undefined} chunks  lengths of the chunks
 */
export function placeOf(update, chunks) {
  if (update.offset) return update.offset[0] ?? 0;
  if (!update.block) return null;
  return (chunks ?? []).slice(0, update.block[0]).reduce((sum, length) => sum + length, 0);
}
