// @ts-check
/** Read ZIP files whose members are stored without compression, as those of buffers are. No I/O. */

import { InvalidResponse } from "../errors.js";

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const LONGEST_COMMENT = 65535;

/**
 * Return the members of a ZIP file by their names; they share memory with `bytes`.
 * @param {Uint8Array} bytes
 * @returns {Map<string, Uint8Array>}
 */
export function readZip(bytes) {
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = findEnd(data);
  const members = new Map();
  let at = data.getUint32(end + 16, true);
  for (let n = data.getUint16(end + 10, true); n > 0; n--) {
    if (data.getUint32(at, true) !== ENTRY) throw new InvalidResponse("A ZIP file is damaged.");
    const nameLength = data.getUint16(at + 28, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    members.set(name, member(bytes, data, at, name));
    at += 46 + nameLength + data.getUint16(at + 30, true) + data.getUint16(at + 32, true);
  }
  return members;
}

/** @param {DataView} data */
function findEnd(data) {
  const first = Math.max(0, data.byteLength - 22 - LONGEST_COMMENT);
  for (let at = data.byteLength - 22; at >= first; at--) {
    if (data.getUint32(at, true) === END) return at;
  }
  throw new InvalidResponse("A ZIP file was expected.");
}

/**
 * @param {Uint8Array} bytes
 * @param {DataView} data
 * @param {number} entry
 * @param {string} name
 */
function member(bytes, data, entry, name) {
  const size = data.getUint32(entry + 20, true);
  const header = data.getUint32(entry + 42, true);
  if (data.getUint16(entry + 10, true) !== 0 || size === 0xffffffff || header === 0xffffffff) {
    throw new InvalidResponse(`The member ${name} of a ZIP file is compressed, or too large.`);
  }
  const start = header + 30 + data.getUint16(header + 26, true) + data.getUint16(header + 28, true);
  return bytes.subarray(start, start + size);
}
