/**
 * Parse a slice: a text as in Python, with or without brackets, or a list with a number, a range
 * `[start, stop, step]`, or null (all) for each dimension.
 * @param {SliceLike | null | undefined} slice
 * @param {number} [ndim] The number of dimensions, which `...` needs.
 * @returns {Item[]}
 */
export function parseSlice(slice: SliceLike | null | undefined, ndim?: number): Item[];
/**
 * Return a slice as a text.
 * @param {readonly Item[]} items
 */
export function formatSlice(items: readonly Item[]): string;
/**
 * Return the slice for a request: null if all is selected.
 * @param {SliceLike | null | undefined} slice
 */
export function sliceText(slice: SliceLike | null | undefined): string | null;
/**
 * Return the slice with explicit ends for an array of `shape`: it selects the same elements when
 * the array has grown.
 * @param {readonly Item[]} items
 * @param {readonly number[]} shape
 * @returns {Item[]}
 */
export function pinSlice(items: readonly Item[], shape: readonly number[]): Item[];
/**
 * Return the shape of what a slice selects; an integer drops its dimension.
 * @param {readonly number[]} shape
 * @param {readonly Item[]} items
 * @returns {number[]}
 */
export function slicedShape(shape: readonly number[], items: readonly Item[]): number[];
/**
 * Parse a reduction, `mean:4,4`.
 * @param {string} text
 * @returns {{operation: string, factors: number[]}}
 */
export function parseReduction(text: string): {
    operation: string;
    factors: number[];
};
/**
 * Return the shape of a reduced array: a cell at the end of an axis need not be full.
 * @param {readonly number[]} shape
 * @param {string} reduce
 * @returns {number[]}
 */
export function reducedShape(shape: readonly number[], reduce: string): number[];
/**
 * Return the data type of a reduced array.
 * @param {DataType} dataType
 * @param {string} reduce
 * @returns {DataType}
 */
export function reducedDataType(dataType: DataType, reduce: string): DataType;
export type Range = {
    start: number | null;
    stop: number | null;
    step: number | null;
};
export type Item = number | Range;
import type { SliceLike } from "./types.js";
import type { DataType } from "./types.js";
