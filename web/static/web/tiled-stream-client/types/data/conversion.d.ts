/**
 * Decode an array like `decodeArray`, in a worker if that takes long.
 * @param {Uint8Array} bytes
 * @param {DataType} dataType
 * @param {readonly number[]} shape
 * @returns {NDArray | Promise<NDArray>}
 */
export function convertArray(bytes: Uint8Array, dataType: DataType, shape: readonly number[]): NDArray | Promise<NDArray>;
import type { DataType } from "../types.js";
import type { NDArray } from "../types.js";
