// @ts-check
/** Decode Arrow files: tables and sparse arrays. No I/O but loading the Arrow decoder. */

/** @import { ArrowOptions, ArrowTable, SparseArray } from "../types.js" */

/**
 * Decode a table. The decoder is loaded with the first one.
 * @param {Uint8Array} bytes An Arrow file, or an Arrow stream.
 * @param {ArrowOptions} [options]
 * @returns {Promise<ArrowTable>}
 */
export async function decodeTable(bytes, options = {}) {
  const { tableFromIPC } = await import("../vendor/flechette.js");
  // Columns are views of this memory, which have to be aligned.
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  return tableFromIPC(aligned, options);
}

/**
 * Decode the columns `dim0`, `dim1`, ... and `data` of a sparse array.
 * @param {Uint8Array} bytes
 * @param {readonly number[]} shape
 * @returns {Promise<SparseArray>}
 */
export async function decodeSparse(bytes, shape) {
  const table = await decodeTable(bytes);
  const column = (/** @type {string} */ name) => table.getChild(name).toArray();
  return {
    shape: [...shape],
    coords: shape.map((_, axis) => /** @type {ArrayLike<number>} */ (column(`dim${axis}`))),
    data: column("data"),
  };
}
