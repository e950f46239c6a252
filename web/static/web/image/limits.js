// @ts-check
// Limits and histogram from a fixed sample of a frame's pixels.
import { masker, reader } from "./frame.js";
import { sortSample } from "./sorting.js";

/**
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Limits} Limits
 * @typedef {import("./types.js").Part} Part
 * @typedef {import("./types.js").Scale} Scale
 */

export const SAMPLE_SIZE = 65536;
export const BINS = 256;
const LOW = 0.001;
const HIGH = 0.999;
const GOLDEN = 0.6180339887498949;

/** @type {Map<string, Uint32Array>} */
const indices = new Map();

/**
 * Return the pixels of the sample: the same in each frame of a size, so that limits do not flicker.
 * They are spread by the golden ratio, as equal steps would follow columns of the image.
 * @param {number} total
 * @param {number} [size] of the sample
 * @returns {Uint32Array | null} null for all pixels
 */
export function sampleIndices(total, size = SAMPLE_SIZE) {
  if (total <= size) return null;
  const key = `${total} ${size}`;
  const found = indices.get(key);
  if (found) return found;
  const made = new Uint32Array(size);
  const step = total / size;
  for (let i = 0; i < size; i++) made[i] = Math.floor((i + ((i * GOLDEN) % 1)) * step);
  if (indices.size > 8) indices.clear();
  indices.set(key, made);
  return made;
}

/**
 * @typedef {object} Sample
 * @property {Float64Array} values finite ones in rising order
 * @property {number} notFinite count of NaN and infinite values
 * @property {number} masked
 */

/**
 * Return the sample of a frame; of a colour image, the values of its three colours.
 * @param {Frame} frame
 * @param {Part} part
 * @param {number[]} maskValues
 * @returns {Sample}
 */
export function sample(frame, part, maskValues) {
  const total = frame.height * frame.width;
  const colours = frame.channels > 1 ? 3 : 1;
  const chosen = sampleIndices(total, Math.floor(SAMPLE_SIZE / colours));
  const count = chosen ? chosen.length : total;
  const read = colours > 1 ? null : reader(frame, part);
  const isMasked = masker(frame, maskValues);
  const values = new Float64Array(count * colours);
  let used = 0;
  let masked = 0;
  for (let i = 0; i < count; i++) {
    const pixel = chosen ? chosen[i] : i;
    if (isMasked?.(pixel)) {
      masked++;
      continue;
    }
    for (let c = 0; c < colours; c++) {
      const value = read ? read(pixel) : Number(frame.data[pixel * frame.channels + c]);
      // The difference is NaN for NaN and for infinities.
      if (value - value === 0) values[used++] = value;
    }
  }
  const finite = sortSample(values.subarray(0, used));
  return { values: finite, notFinite: (count - masked) * colours - used, masked };
}

/**
 * Return the range of a type: of integers, all their values; of others, 0 to 1.
 * @param {Frame} frame
 * @returns {Limits}
 */
export function typeRange({ data, kind }) {
  const bits = 8 * data.BYTES_PER_ELEMENT;
  if (kind === "u") return { lo: 0, hi: 2 ** bits - 1 };
  if (kind === "i") return { lo: 0, hi: 2 ** (bits - 1) - 1 };
  return { lo: 0, hi: 1 };
}

/**
 * Return limits from a sample: percentiles 0.1 and 99.9, or the smallest and largest value.
 * @param {Sample} from
 * @param {"auto" | "minmax"} mode
 * @param {Scale} scale
 * @returns {Limits}
 */
export function automaticLimits(from, mode, scale) {
  // A logarithm has positive values alone.
  const values = scale === "log" ? from.values.subarray(firstAbove(from.values, 0)) : from.values;
  if (values.length === 0) return scale === "log" ? { lo: 1, hi: 10 } : { lo: 0, hi: 1 };
  const last = values.length - 1;
  const [low, high] = mode === "auto" ? [LOW, HIGH] : [0, 1];
  return opened({ lo: values[Math.floor(low * last)], hi: values[Math.ceil(high * last)] }, scale);
}

/**
 * Return limits that a scale can use: apart from each other, and positive for a logarithm.
 * @param {Limits} limits
 * @param {Scale} scale
 * @param {Sample | null} [from]
 * @returns {Limits}
 */
export function opened({ lo, hi }, scale, from = null) {
  if (scale === "log" && hi <= 0) return { lo: 1, hi: 10 };
  if (scale === "log" && lo <= 0) {
    const positive = from ? from.values[firstAbove(from.values, 0)] : undefined;
    lo = positive !== undefined && positive < hi ? positive : hi / 1e4;
  }
  if (hi > lo) return { lo, hi };
  if (scale === "log") return { lo, hi: lo * 10 };
  return { lo, hi: lo + (Math.abs(lo) > 2 ** 20 ? Math.abs(lo) * 1e-6 : 1) };
}

/**
 * Return the index of the first value above a bound, in rising values.
 * @param {Float64Array} values
 * @param {number} bound
 */
function firstAbove(values, bound) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Return the interval that the histogram shows: nearly all of the sample, and the limits.
 * @param {Sample} from
 * @param {Limits} limits
 * @param {Scale} scale
 * @returns {Limits}
 */
export function histogramRange(from, limits, scale) {
  const usual = automaticLimits(from, "auto", scale);
  if (scale === "log") {
    const lo = Math.min(usual.lo, limits.lo);
    const hi = Math.max(usual.hi, limits.hi);
    const margin = (hi / lo) ** 0.06;
    return { lo: lo / margin, hi: hi * margin };
  }
  const lo = Math.min(usual.lo, limits.lo);
  const hi = Math.max(usual.hi, limits.hi);
  const margin = (hi - lo) * 0.06;
  return { lo: lo - margin, hi: hi + margin };
}

/**
 * Count a sample in bins between 0 and 1 of a scale.
 * @param {Sample} from
 * @param {(v: number) => number} toUnit
 * @param {number} [bins]
 * @returns {Uint32Array}
 */
export function histogram(from, toUnit, bins = BINS) {
  const counts = new Uint32Array(bins);
  const values = from.values;
  for (let i = 0; i < values.length; i++) {
    const t = toUnit(values[i]);
    if (t >= 0 && t <= 1) counts[Math.min(bins - 1, Math.floor(t * bins))]++;
  }
  return counts;
}
