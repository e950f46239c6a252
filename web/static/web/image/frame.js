// @ts-check
// Values and places of the pixels of a frame.

/**
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Part} Part
 * @typedef {import("./types.js").Region} Region
 */

/**
 * Return what is wrong with a frame, or null.
 * @param {Frame} frame
 * @returns {string | null}
 */
export function fault(frame) {
  const wanted = frame.height * frame.width * stride(frame);
  if (!(frame.height > 0 && frame.width > 0)) return "The image has no pixels.";
  if (frame.data.length < wanted) {
    return `The image has ${frame.data.length} values; its shape needs ${wanted}.`;
  }
  return null;
}

/** @param {Frame} frame @returns {number} entries of `data` per pixel */
export function stride(frame) {
  return frame.kind === "c" ? 2 : frame.channels;
}

/**
 * Return a function from the number of a pixel to its value; of a colour, its mean.
 * @param {Frame} frame
 * @param {Part} part
 * @returns {(i: number) => number}
 */
export function reader(frame, part) {
  const data = frame.data;
  if (frame.kind === "c") {
    const d = /** @type {Float32Array} */ (data);
    if (part === "real") return (i) => d[2 * i];
    if (part === "imaginary") return (i) => d[2 * i + 1];
    if (part === "phase") return (i) => Math.atan2(d[2 * i + 1], d[2 * i]);
    return (i) => Math.sqrt(d[2 * i] * d[2 * i] + d[2 * i + 1] * d[2 * i + 1]);
  }
  if (frame.channels > 1) {
    const n = frame.channels;
    return (i) => (Number(data[n * i]) + Number(data[n * i + 1]) + Number(data[n * i + 2])) / 3;
  }
  if (isBig(data)) return (i) => Number(data[i]);
  const d = /** @type {Float64Array} */ (data);
  return (i) => d[i];
}

/** @param {import("./types.js").Values} data @returns {data is BigInt64Array | BigUint64Array} */
export function isBig(data) {
  return data instanceof BigInt64Array || data instanceof BigUint64Array;
}

/**
 * Return the text of a pixel: exact, as the array has it.
 * @param {Frame} frame
 * @param {number} i
 * @param {(value: number) => string} format
 */
export function pixelText(frame, i, format) {
  const { data } = frame;
  if (frame.kind === "b") return data[i] ? "true" : "false";
  if (frame.kind === "c") {
    const re = Number(data[2 * i]);
    const im = Number(data[2 * i + 1]);
    return `${format(re)} ${im < 0 ? "−" : "+"} ${format(Math.abs(im))}i`;
  }
  const one = (/** @type {number} */ j) =>
    isBig(data) ? String(data[j]) : frame.kind === "f" ? format(data[j]) : String(data[j]);
  if (frame.channels === 1) return one(i);
  return Array.from({ length: frame.channels }, (_, c) => one(frame.channels * i + c)).join(", ");
}

/**
 * Return the number of the pixel that shows a point of the full array; -1 outside the frame.
 * @param {Frame} frame
 * @param {number} y
 * @param {number} x
 */
export function pixelAt(frame, y, x) {
  const row = Math.floor((y - frame.y0) / frame.dy);
  const column = Math.floor((x - frame.x0) / frame.dx);
  if (row < 0 || column < 0 || row >= frame.height || column >= frame.width) return -1;
  return row * frame.width + column;
}

/**
 * Return rows and columns of the frame's pixels that a region of the full array touches.
 * @param {Frame} frame
 * @param {Region} region
 * @returns {Region}
 */
export function pixelsOf(frame, region) {
  const cut = (/** @type {number} */ v, /** @type {number} */ end) => Math.min(end, Math.max(0, v));
  return {
    y0: cut(Math.floor((region.y0 - frame.y0) / frame.dy), frame.height),
    y1: cut(Math.ceil((region.y1 - frame.y0) / frame.dy), frame.height),
    x0: cut(Math.floor((region.x0 - frame.x0) / frame.dx), frame.width),
    x1: cut(Math.ceil((region.x1 - frame.x0) / frame.dx), frame.width),
  };
}

/**
 * Return the part of the full array that the frame covers.
 * @param {Frame} frame
 * @returns {Region}
 */
export function covered(frame) {
  return {
    y0: frame.y0,
    y1: Math.min(frame.fullHeight, frame.y0 + frame.height * frame.dy),
    x0: frame.x0,
    x1: Math.min(frame.fullWidth, frame.x0 + frame.width * frame.dx),
  };
}

/**
 * Return the values that are masked by a setting: numbers, and "max" for the largest of the type.
 * @param {string} mask
 * @param {Frame} frame
 * @returns {number[]} at most four
 */
export function maskedValues(mask, frame) {
  const largest = frame.kind === "u" ? 2 ** (8 * frame.data.BYTES_PER_ELEMENT) - 1 : NaN;
  const parts = mask.split(";").map((one) => one.trim());
  const values = parts.filter(Boolean).map((one) => (one === "max" ? largest : Number(one)));
  return values.filter(Number.isFinite).slice(0, 4);
}

/**
 * Return a function that reports masked pixels, or null where none are masked.
 * @param {Frame} frame
 * @param {number[]} maskValues
 * @returns {((i: number) => boolean) | null}
 */
export function masker(frame, maskValues) {
  const mask = frame.mask?.length ? frame.mask : null;
  const values = frame.channels > 1 || frame.kind === "c" ? [] : maskValues;
  if (!mask && values.length === 0) return null;
  const read = reader(frame, "amplitude");
  return (i) => (mask !== null && mask[i] !== 0) || (values.length > 0 && values.includes(read(i)));
}
