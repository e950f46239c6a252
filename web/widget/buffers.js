// @ts-check
// Typed arrays of the buffers of a message.

/** By the names that numpy has. @type {Record<string, any>} */
const TYPES = {
  bool: Uint8Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  uint64: BigUint64Array,
  int64: BigInt64Array,
  float32: Float32Array,
  float64: Float64Array,
  complex64: Float32Array,
};

/**
 * Return the numbers of a buffer, copied only where their type does not allow its place.
 * @param {DataView} view
 * @param {string} dtype
 * @returns {any}
 */
export function numbersOf(view, dtype) {
  const Type = TYPES[dtype];
  const { buffer, byteOffset, byteLength } = view;
  const size = byteLength / Type.BYTES_PER_ELEMENT;
  if (byteOffset % Type.BYTES_PER_ELEMENT === 0) return new Type(buffer, byteOffset, size);
  return new Type(buffer.slice(byteOffset, byteOffset + byteLength), 0, size);
}

/**
 * Return the values of a column: numbers, or texts.
 * @param {DataView} view
 * @param {string} type
 * @returns {ArrayLike<any>}
 */
export function valuesOf(view, type) {
  return type === "text" ? JSON.parse(new TextDecoder().decode(view)) : numbersOf(view, type);
}
