/**
 * Read a node of any family that has data.
 * @param {Http} http
 * @param {readonly string[]} keys
 * @param {() => Promise<NodeInfo>} describe Requests the description of the node.
 * @param {ReadOptions} options
 */
export function readNode(http: Http, keys: readonly string[], describe: () => Promise<NodeInfo>, options: ReadOptions): Promise<any>;
/**
 * @param {DataType} dataType
 * @param {number[]} shape
 * @param {string | null | undefined} reduce
 */
export function partOf(dataType: DataType, shape: number[], reduce: string | null | undefined): {
    dataType: DataType;
    shape: number[];
};
/**
 * Fetch the part of an array that an address names.
 * @param {Http} http
 * @param {string} url
 * @param {{dataType: DataType, shape: number[]}} part
 * @param {boolean} sparse
 * @param {AbortSignal} [signal]
 * @returns {Promise<NDArray | SparseArray>}
 */
export function fetchArray(http: Http, url: string, { dataType, shape }: {
    dataType: DataType;
    shape: number[];
}, sparse: boolean, signal?: AbortSignal): Promise<NDArray | SparseArray>;
/**
 * Read a table, or the rows and columns of it that are requested.
 * @param {Http} http
 * @param {string} url The address of the table.
 * @param {Pick<ReadOptions, "columns" | "rows" | "arrow" | "signal">} options
 * @returns {Promise<ArrowTable>}
 */
export function readTable(http: Http, url: string, { columns, rows, arrow, signal }: Pick<ReadOptions, "columns" | "rows" | "arrow" | "signal">): Promise<ArrowTable>;
import type { Http } from "./http.js";
import type { NodeInfo } from "./types.js";
import type { ReadOptions } from "./types.js";
import type { DataType } from "./types.js";
import type { NDArray } from "./types.js";
import type { SparseArray } from "./types.js";
import type { ArrowTable } from "./types.js";
