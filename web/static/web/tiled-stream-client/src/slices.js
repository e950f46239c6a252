// @ts-check
/** Slices of arrays (`0:10,::2,3`) and reductions (`mean:4,4`): their texts, and the shapes and
 * data types of what they select. No I/O. */

/** @import { BuiltinType, DataType, SliceItem, SliceLike } from "./types.js" */

/** @typedef {{start: number | null, stop: number | null, step: number | null}} Range */

/** @typedef {number | Range} Item */

const PART = /^(?:(-?\d+)|(-?\d+)?:(-?\d+)?(?::(-?\d+)?)?)$/;

/**
 * Parse a slice: a text as in Python, with or without brackets, or a list with a number, a range
 * `[start, stop, step]`, or null (all) for each dimension.
 * @param {SliceLike | null | undefined} slice
 * @param {number} [ndim] The number of dimensions, which `...` needs.
 * @returns {Item[]}
 */
export function parseSlice(slice, ndim) {
  if (slice === null || slice === undefined || slice === "") return [];
  /** @type {(string | SliceItem)[]} */
  const parts = typeof slice === "string" ? slice.replace(/[[\]\s]/g, "").split(",") : [...slice];
  const at = parts.indexOf("...");
  if (at >= 0) {
    if (ndim === undefined) throw new RangeError("Write the slice without '...'.");
    parts.splice(at, 1, ...Array(Math.max(ndim - parts.length + 1, 0)).fill(":"));
  }
  return parts.map(parseItem);
}

/**
 * @param {SliceItem | string} part
 * @returns {Item}
 */
function parseItem(part) {
  if (part === null) return range(null, null, null);
  if (typeof part === "number") return part;
  if (typeof part !== "string") return range(part[0], part[1], part[2]);
  const match = PART.exec(part);
  if (!match) {
    throw new RangeError(
      `Invalid slice part: "${part}". Each dimension is an integer or start:stop:step, and ` +
        "dimensions are separated by commas, as in 0:10,3,::2.",
    );
  }
  if (match[1] !== undefined) return Number(match[1]);
  const [start, stop, step] = match.slice(2).map((n) => (n === undefined ? null : Number(n)));
  return range(start, stop, step);
}

/**
 * @param {number | null | undefined} start
 * @param {number | null | undefined} stop
 * @param {number | null | undefined} step
 * @returns {Range}
 */
function range(start, stop, step) {
  if (step === 0) throw new RangeError("A slice's step must not be zero.");
  return { start: start ?? null, stop: stop ?? null, step: step ?? null };
}

/**
 * Return a slice as a text.
 * @param {readonly Item[]} items
 */
export function formatSlice(items) {
  return items
    .map((item) => {
      if (typeof item === "number") return String(item);
      const ends = `${item.start ?? ""}:${item.stop ?? ""}`;
      return item.step === null ? ends : `${ends}:${item.step}`;
    })
    .join(",");
}

/**
 * Return the slice for a request: null if all is selected.
 * @param {SliceLike | null | undefined} slice
 */
export function sliceText(slice) {
  return formatSlice(parseSlice(slice)) || null;
}

/**
 * Return the slice with explicit ends for an array of `shape`: it selects the same elements when
 * the array has grown.
 * @param {readonly Item[]} items
 * @param {readonly number[]} shape
 * @returns {Item[]}
 */
export function pinSlice(items, shape) {
  if (items.length > shape.length) {
    throw new RangeError(
      `The slice has ${items.length} parts, but the array has ${shape.length} dimensions.`,
    );
  }
  return shape.map((size, axis) => {
    const item = items[axis] ?? range(null, null, null);
    if (typeof item !== "number") return pinRange(item, size);
    if (item < -size || item >= size) {
      throw new RangeError(
        `Index ${item} is out of range for dimension ${axis} of size ${size}.`,
      );
    }
    return item < 0 ? item + size : item;
  });
}

/**
 * @param {Range} item
 * @param {number} size
 * @returns {Range}
 */
function pinRange(item, size) {
  const [start, stop, step] = rangeEnds(item, size);
  if (step > 0) return { start, stop: Math.max(start, stop), step: item.step };
  if (stop >= start) return { start: 0, stop: 0, step };
  // Backwards, the end before the first element cannot be written as a number.
  return { start, stop: stop < 0 ? null : stop, step };
}

/**
 * Return where a range begins and ends in a dimension of `size`, as Python's `slice.indices`.
 * @param {Range} item
 * @param {number} size
 * @returns {[number, number, number]}
 */
function rangeEnds(item, size) {
  const step = item.step ?? 1;
  const [low, high] = step > 0 ? [0, size] : [-1, size - 1];
  const clamp = (/** @type {number | null} */ end, /** @type {number} */ fallback) => {
    if (end === null) return fallback;
    return Math.min(Math.max(end < 0 ? end + size : end, low), high);
  };
  const ends = step > 0 ? [low, high] : [high, low];
  return [clamp(item.start, ends[0]), clamp(item.stop, ends[1]), step];
}

/**
 * Return the shape of what a slice selects; an integer drops its dimension.
 * @param {readonly number[]} shape
 * @param {readonly Item[]} items
 * @returns {number[]}
 */
export function slicedShape(shape, items) {
  const result = [];
  for (const [axis, size] of shape.entries()) {
    const item = items[axis] ?? range(null, null, null);
    if (typeof item === "number") continue;
    const [start, stop, step] = rangeEnds(item, size);
    result.push(Math.max(0, Math.ceil((stop - start) / step)));
  }
  return result;
}

/**
 * Parse a reduction, `mean:4,4`.
 * @param {string} text
 * @returns {{operation: string, factors: number[]}}
 */
export function parseReduction(text) {
  const match = /^(mean|sum|min|max):([1-9]\d*(?:,[1-9]\d*)*)$/.exec(text);
  if (!match) {
    throw new RangeError(
      "reduce must be one of mean, sum, min and max, a colon, and a positive integer for each of " +
        `the trailing axes, as in mean:4,4, not '${text}'.`,
    );
  }
  return { operation: match[1], factors: match[2].split(",").map(Number) };
}

/**
 * Return the shape of a reduced array: a cell at the end of an axis need not be full.
 * @param {readonly number[]} shape
 * @param {string} reduce
 * @returns {number[]}
 */
export function reducedShape(shape, reduce) {
  const { factors } = parseReduction(reduce);
  const first = shape.length - factors.length;
  if (first < 0) {
    throw new RangeError(
      `reduce has ${factors.length} factors, but the array, after slice, has ${shape.length} ` +
        "dimensions.",
    );
  }
  return shape.map((size, axis) =>
    axis < first ? size : Math.ceil(size / factors[axis - first]),
  );
}

/**
 * Return the data type of a reduced array.
 * @param {DataType} dataType
 * @param {string} reduce
 * @returns {DataType}
 */
export function reducedDataType(dataType, reduce) {
  const { operation } = parseReduction(reduce);
  if ("fields" in dataType || operation === "min" || operation === "max") return dataType;
  const { kind, itemsize } = dataType;
  const mean = operation === "mean";
  if (kind === "f") return little("f", mean ? itemsize : Math.max(itemsize, 8));
  if (kind === "c") return little("c", mean ? itemsize : Math.max(itemsize, 16));
  if (mean) return little("f", itemsize === 8 ? 8 : 4);
  return little(kind === "i" ? "i" : "u", 8);
}

/**
 * @param {string} kind
 * @param {number} itemsize
 * @returns {BuiltinType}
 */
function little(kind, itemsize) {
  return { kind, itemsize, endianness: "little", dt_units: null };
}
