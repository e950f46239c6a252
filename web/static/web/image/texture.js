// @ts-check
// How the pixels of a frame become a texture: most types as they are, without a conversion.
import { isBig } from "./frame.js";
import { typeRange } from "./limits.js";

/**
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Values} Values
 */

/**
 * @typedef {object} Plan
 * @property {"u" | "i" | "f" | "c" | "colour"} family which shader reads it
 * @property {"R8UI" | "R16UI" | "R32UI" | "R8I" | "R16I" | "R32I" | "R32F" | "RG32F" | "RGB8" | "RGBA8" | "RGB32F"
 *   | "RGBA32F"} internal
 * @property {"RED_INTEGER" | "RED" | "RG" | "RGB" | "RGBA"} format
 * @property {"UNSIGNED_BYTE" | "UNSIGNED_SHORT" | "UNSIGNED_INT" | "BYTE" | "SHORT" | "INT" | "FLOAT"} type
 * @property {Exclude<Values, BigInt64Array | BigUint64Array | Float64Array>} data
 * @property {number} offset to add to each value
 * @property {[number, number]} [units] of colours and opacity, see gl-shaders.js
 */

/**
 * Return how to upload a frame. Values of 8 bytes become floats of 4, as textures have no larger
 * ones; where they lie close together and far from zero, their offset is subtracted before.
 * @param {Frame} frame
 * @returns {Plan}
 */
export function plan(frame) {
  const { data } = frame;
  if (frame.channels > 1) {
    return colours(frame);
  }
  if (frame.kind === "c") {
    const parts = data instanceof Float32Array ? data : Float32Array.from(/** @type {any} */ (data));
    return { family: "c", internal: "RG32F", format: "RG", type: "FLOAT", data: parts, offset: 0 };
  }
  if (data instanceof Float64Array || isBig(data)) return converted(data);
  return direct(data);
}

/**
 * @param {Exclude<Values, BigInt64Array | BigUint64Array | Float64Array>} data
 * @returns {Plan}
 */
function direct(data) {
  const of = (
    /** @type {Plan["family"]} */ family,
    /** @type {Plan["internal"]} */ internal,
    /** @type {Plan["type"]} */ type,
  ) => {
    const format = /** @type {Plan["format"]} */ (family === "f" ? "RED" : "RED_INTEGER");
    return { family, internal, format, type, data, offset: 0 };
  };
  if (data instanceof Float32Array) return of("f", "R32F", "FLOAT");
  if (data instanceof Uint16Array) return of("u", "R16UI", "UNSIGNED_SHORT");
  if (data instanceof Uint32Array) return of("u", "R32UI", "UNSIGNED_INT");
  if (data instanceof Int8Array) return of("i", "R8I", "BYTE");
  if (data instanceof Int16Array) return of("i", "R16I", "SHORT");
  if (data instanceof Int32Array) return of("i", "R32I", "INT");
  return of("u", "R8UI", "UNSIGNED_BYTE");
}

/**
 * @param {Float64Array | BigInt64Array | BigUint64Array} data
 * @returns {Plan}
 */
function converted(data) {
  const made = new Float32Array(data.length);
  const offset = commonOffset(data);
  if (data instanceof Float64Array) {
    for (let i = 0; i < made.length; i++) made[i] = data[i] - offset;
  } else {
    // Halves of 4 bytes: a BigInt per pixel would take ten times as long.
    const low = new Uint32Array(data.buffer, data.byteOffset, data.length * 2);
    const high = data instanceof BigInt64Array ? new Int32Array(low.buffer, low.byteOffset, low.length) : low;
    for (let i = 0; i < made.length; i++) {
      made[i] = high[2 * i + 1] * 4294967296 + low[2 * i] - offset;
    }
  }
  return { family: "f", internal: "R32F", format: "RED", type: "FLOAT", data: made, offset };
}

/** @param {Float64Array | BigInt64Array | BigUint64Array} data */
function commonOffset(data) {
  let lo = Infinity;
  let hi = -Infinity;
  const step = Math.max(1, Math.floor(data.length / 1021));
  for (let i = 0; i < data.length; i += step) {
    const value = Number(data[i]);
    if (value - value !== 0) continue;
    lo = Math.min(lo, value);
    hi = Math.max(hi, value);
  }
  const middle = (lo + hi) / 2;
  return hi - lo < Math.abs(middle) * 1e-3 ? middle : 0;
}

/**
 * Return how to upload a colour image: bytes as they are, other types as floats.
 * @param {Frame} frame
 * @returns {Plan}
 */
function colours(frame) {
  const { data } = frame;
  const alpha = frame.channels === 4;
  const format = alpha ? "RGBA" : "RGB";
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) {
    // A byte is 0 to 1 in the shader.
    return { family: "colour", internal: alpha ? "RGBA8" : "RGB8", format, type: "UNSIGNED_BYTE", data, offset: 0, units: [255, 1] };
  }
  const floats = data instanceof Float32Array ? data : Float32Array.from(/** @type {any} */ (data), Number);
  const units = /** @type {[number, number]} */ ([1, alpha ? 1 / typeRange(frame).hi : 1]);
  return { family: "colour", internal: alpha ? "RGBA32F" : "RGB32F", format, type: "FLOAT", data: floats, offset: 0, units };
}
