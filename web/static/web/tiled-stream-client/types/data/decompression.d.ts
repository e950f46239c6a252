/** @import { DataType } from "../types.js" */
/**
 * Return the bytes of an array. Throws InvalidResponse if the payload is damaged, or of another size.
 * @param {string} encoding
 * @param {Uint8Array} payload
 * @param {DataType} dataType
 * @param {readonly number[]} shape
 * @returns {Uint8Array}
 */
export function decompress(encoding: string, payload: Uint8Array, { itemsize }: DataType, shape: readonly number[]): Uint8Array;
import type { DataType } from "../types.js";
