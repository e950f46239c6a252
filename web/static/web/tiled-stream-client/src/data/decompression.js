// @ts-check
/**
 * Decompress payloads. Loaded when the first of them comes, and no part of the page. No I/O.
 *
 * | encoding         | payload                                                                          |
 * | ---------------- | -------------------------------------------------------------------------------- |
 * | `lz4`            | size of the data (int32, little-endian), one LZ4 block                           |
 * | `bitshuffle-lz4` | size (uint64), block size (uint32), then each block behind its compressed size   |
 * |                  | (uint32), all big-endian; elements beyond a multiple of 8 follow as they are     |
 *
 * A block of `bitshuffle-lz4` is transposed: it has the lowest bits of the first byte of all its
 * elements, then their next bits, and so on.
 */

import { InvalidResponse } from "../errors.js";

/** @import { DataType } from "../types.js" */

/**
 * Return the bytes of an array. Throws InvalidResponse if the payload is damaged, or of another size.
 * @param {string} encoding
 * @param {Uint8Array} payload
 * @param {DataType} dataType
 * @param {readonly number[]} shape
 * @returns {Uint8Array}
 */
export function decompress(encoding, payload, { itemsize }, shape) {
  const nbytes = shape.reduce((product, length) => product * length, itemsize);
  try {
    return decode(encoding, payload, nbytes, itemsize);
  } catch (cause) {
    const { message } = /** @type {Error} */ (cause);
    const what = `${payload.length} bytes in ${encoding} for an array of shape [${shape}]`;
    throw new InvalidResponse(`Payload of ${what}: ${message}`, { cause });
  }
}

/**
 * @param {string} encoding
 * @param {Uint8Array} payload
 * @param {number} nbytes The size that the array must have; no more is allocated.
 * @param {number} itemsize
 */
function decode(encoding, payload, nbytes, itemsize) {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  switch (encoding) {
    case "lz4": {
      checkSize(view, 4, () => view.getInt32(0, true), nbytes);
      const content = new Uint8Array(nbytes);
      if (nbytes) decodeBlock(payload, 4, payload.length, content, nbytes);
      return content;
    }
    case "bitshuffle-lz4":
      checkSize(view, 12, () => Number(view.getBigUint64(0)), nbytes);
      return decodeBitshuffle(payload, view, nbytes, itemsize);
  }
  throw new RangeError("the encoding is not known.");
}

/**
 * @param {DataView} view
 * @param {number} header
 * @param {() => number} stated
 * @param {number} nbytes
 */
function checkSize(view, header, stated, nbytes) {
  if (view.byteLength < header) {
    throw new RangeError(`it has ${view.byteLength} bytes, fewer than its header of ${header}.`);
  }
  const size = stated();
  if (size !== nbytes) throw new RangeError(`it has ${size} bytes of data, not ${nbytes}.`);
}

/**
 * @param {Uint8Array} payload
 * @param {DataView} view
 * @param {number} nbytes
 * @param {number} itemsize
 */
function decodeBitshuffle(payload, view, nbytes, itemsize) {
  const content = new Uint8Array(nbytes);
  if (!nbytes) return content;
  const block = view.getUint32(8);
  const group = 8 * itemsize;
  if (!block || block % group) {
    throw new RangeError(`it has blocks of ${block} bytes, for elements of ${itemsize} bytes.`);
  }
  const end = nbytes - (nbytes % group);
  const planes = new Uint8Array(Math.min(block, end));
  let at = 12;
  for (let begin = 0; begin < end; begin += block) {
    const size = Math.min(block, end - begin);
    const length = at + 4 <= payload.length ? view.getUint32(at) : Infinity;
    if (at + 4 + length > payload.length) throw new RangeError("it ends within a block.");
    decodeBlock(payload, at + 4, at + 4 + length, planes, size);
    transpose(planes, content, begin, size, itemsize);
    at += 4 + length;
  }
  if (payload.length - at !== nbytes - end) {
    throw new RangeError(`${payload.length - at} bytes follow the last block.`);
  }
  content.set(payload.subarray(at), end);
  return content;
}

/**
 * Write the elements of a transposed block, eight bits of eight elements at a time.
 * @param {Uint8Array} planes
 * @param {Uint8Array} content
 * @param {number} begin
 * @param {number} size
 * @param {number} itemsize
 */
function transpose(planes, content, begin, size, itemsize) {
  const width = size / (8 * itemsize);
  for (let byte = 0; byte < itemsize; byte++) {
    let to = begin + byte;
    let from = 8 * byte * width;
    for (const stop = from + width; from < stop; from++) {
      let low = fourPlanes(planes, from, width);
      let high = fourPlanes(planes, from + 4 * width, width);
      if (low === 0 && high === 0) {
        // Usual of detectors: the new array has zeros already.
        to += 8 * itemsize;
        continue;
      }
      let swap = (low ^ (low >>> 7)) & 0x00aa00aa;
      low ^= swap ^ (swap << 7);
      swap = (high ^ (high >>> 7)) & 0x00aa00aa;
      high ^= swap ^ (swap << 7);
      swap = (low ^ (low >>> 14)) & 0x0000cccc;
      low ^= swap ^ (swap << 14);
      swap = (high ^ (high >>> 14)) & 0x0000cccc;
      high ^= swap ^ (swap << 14);
      swap = (low ^ (high << 4)) & 0xf0f0f0f0;
      low ^= swap;
      high ^= swap >>> 4;
      for (let bits = 0; bits < 32; bits += 8, to += itemsize) {
        content[to] = low >>> bits;
        content[to + 4 * itemsize] = high >>> bits;
      }
      to += 4 * itemsize;
    }
  }
}

/**
 * @param {Uint8Array} planes
 * @param {number} at
 * @param {number} width
 */
function fourPlanes(planes, at, width) {
  const second = at + width;
  const third = second + width;
  return (
    planes[at] | (planes[second] << 8) | (planes[third] << 16) | (planes[third + width] << 24)
  );
}

/**
 * Decode an LZ4 block, which must have exactly `size` bytes of data.
 * @param {Uint8Array} source
 * @param {number} at Where the block begins.
 * @param {number} stop Where it ends.
 * @param {Uint8Array} target
 * @param {number} size
 */
function decodeBlock(source, at, stop, target, size) {
  let to = 0;
  /** @param {number} nibble */
  const extended = (nibble) => {
    let length = nibble;
    if (nibble < 15) return length;
    for (let byte = 255; byte === 255; length += byte) {
      if (at >= stop) throw damaged();
      byte = source[at++];
    }
    return length;
  };
  while (at < stop) {
    const token = source[at++];
    const literals = extended(token >> 4);
    if (literals > stop - at || literals > size - to) throw damaged();
    copy(source, at, target, to, literals);
    at += literals;
    to += literals;
    // The last sequence has no match.
    if (at === stop) break;
    if (stop - at < 2) throw damaged();
    const distance = source[at] | (source[at + 1] << 8);
    at += 2;
    const length = extended(token & 15) + 4;
    if (!distance || distance > to || length > size - to) throw damaged();
    repeat(target, to, distance, length);
    to += length;
  }
  if (to !== size) throw damaged();
}

/**
 * @param {Uint8Array} source
 * @param {number} at
 * @param {Uint8Array} target
 * @param {number} to
 * @param {number} length
 */
function copy(source, at, target, to, length) {
  if (length > 32) target.set(source.subarray(at, at + length), to);
  else for (let n = 0; n < length; n++) target[to + n] = source[at + n];
}

/**
 * Repeat the bytes that are `distance` before; source and target may overlap.
 * @param {Uint8Array} target
 * @param {number} to
 * @param {number} distance
 * @param {number} length
 */
function repeat(target, to, distance, length) {
  if (length > 32 && distance >= length) target.copyWithin(to, to - distance, to - distance + length);
  else if (length > 32 && distance === 1) target.fill(target[to - 1], to, to + length);
  else for (const end = to + length; to < end; to++) target[to] = target[to - distance];
}

function damaged() {
  return new RangeError("a block of LZ4 is damaged.");
}
