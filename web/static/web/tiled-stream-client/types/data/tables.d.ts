/** Decode Arrow files: tables and sparse arrays. No I/O but loading the Arrow decoder. */
/** @import { ArrowOptions, ArrowTable, SparseArray } from "../types.js" */
/**
 * Decode a table. The decoder is loaded with the first one.
 * @param {Uint8Array} bytes An Arrow file, or an Arrow stream.
 * @param {ArrowOptions} [options]
 * @returns {Promise<ArrowTable>}
 */
export function decodeTable(bytes: Uint8Array, options?: ArrowOptions): Promise<ArrowTable>;
/**
 * Decode the columns `dim0`, `dim1`, ... and `data` of a sparse array.
 * @param {Uint8Array} bytes
 * @param {readonly number[]} shape
 * @returns {Promise<SparseArray>}
 */
export function decodeSparse(bytes: Uint8Array, shape: readonly number[]): Promise<SparseArray>;
import type { ArrowOptions } from "../types.js";
import type { ArrowTable } from "../types.js";
import type { SparseArray } from "../types.js";
