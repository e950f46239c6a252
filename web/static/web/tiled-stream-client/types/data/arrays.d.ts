/**
 * Return the description of a data type in an `NDArray`.
 * @param {DataType} dataType
 * @returns {DType}
 */
export function dtypeOf(dataType: DataType): DType;
/**
 * Decode an array. The result may share memory with `bytes`.
 * @param {Uint8Array} bytes
 * @param {DataType} dataType
 * @param {readonly number[]} shape
 * @returns {NDArray}
 */
export function decodeArray(bytes: Uint8Array, dataType: DataType, shape: readonly number[]): NDArray;
/**
 * Return an array as nested lists; of no dimensions as its one element, and complex numbers as
 * `[re, im]`.
 * @param {NDArray} array
 * @returns {any}
 */
export function nest({ dtype, shape, data }: NDArray): any;
export type TypedArrayClass = {
    BYTES_PER_ELEMENT: number;
    new (buffer: ArrayBuffer, byteOffset: number, length: number): TypedArray;
};
import type { DataType } from "../types.js";
import type { DType } from "../types.js";
import type { NDArray } from "../types.js";
import type { TypedArray } from "../types.js";
