// @ts-check
// The series of a line plot, prepared for drawing: numbers, their extremes, and whether x is sorted.
import { MinMaxTree, columnExtremes, evenEdges, lowerBound } from "./decimate.js";

/** @typedef {import("./decimate.js").Numbers} Numbers */
/**
 * @typedef {object} Series
 * @property {string} label
 * @property {ArrayLike<number> | null} [x]  null: the index
 * @property {ArrayLike<number> | ArrayLike<bigint> | ArrayLike<boolean>} y
 * @property {number} [start]  the index of the first value, where x is null
 * @property {number} [step]  what the index rises by
 * @property {number} [version]  another number when values changed that had been drawn
 * @property {string} [className]  "faint" for a series in the background
 */

/** Trees by the memory that they are about, as views of growing buffers are new objects. */
const trees = new WeakMap(/** @type {[ArrayBufferLike & object, Tree][]} */ ([]));
/** @typedef {{origin: number, type: Function, version: number, tree: MinMaxTree, sorted: boolean, checked: number}} Tree */
const converted = new WeakMap(/** @type {[object, Float64Array][]} */ ([]));

/**
 * Return values as a typed array of numbers; 64-bit integers lose what exceeds 53 bits.
 * @param {ArrayLike<any>} values
 * @returns {Numbers}
 */
export function toNumbers(values) {
  if (ArrayBuffer.isView(values) && !(values instanceof BigInt64Array) && !(values instanceof BigUint64Array)) {
    return /** @type {Numbers} */ (/** @type {unknown} */ (values));
  }
  let result = converted.get(values);
  if (!result) {
    result = Float64Array.from(values, (value) => (value === null || value === undefined ? NaN : Number(value)));
    converted.set(values, result);
  }
  return result;
}

/**
 * Return the tree about the memory of `values`, grown to include them.
 * @param {Numbers} values
 * @param {number} version
 * @returns {Tree}
 */
function treeOf(values, version) {
  const found = trees.get(values.buffer);
  const end = values.byteOffset / values.BYTES_PER_ELEMENT + values.length;
  if (found && found.version === version && found.type === values.constructor && found.origin <= values.byteOffset) {
    const length = end - found.origin / values.BYTES_PER_ELEMENT;
    if (length > found.tree.length) {
      found.tree.grow(length);
      checkSorted(found);
    }
    return found;
  }
  const Type = /** @type {any} */ (values.constructor);
  const size = Math.floor((values.buffer.byteLength - values.byteOffset) / values.BYTES_PER_ELEMENT);
  const tree = new MinMaxTree(new Type(values.buffer, values.byteOffset, size));
  tree.grow(values.length);
  const entry = { origin: values.byteOffset, type: values.constructor, version, tree, sorted: true, checked: 0 };
  checkSorted(entry);
  trees.set(values.buffer, entry);
  return entry;
}

/** @param {Tree} entry */
function checkSorted(entry) {
  const { values, length } = entry.tree;
  let i = Math.max(1, entry.checked);
  for (; entry.sorted && i < length; i += 1) if (!(values[i] >= values[i - 1])) entry.sorted = false;
  entry.checked = length;
}

export class PlotSeries {
  /** @param {Series} series */
  constructor(series) {
    this.label = series.label;
    this.faint = series.className === "faint";
    this.y = toNumbers(series.y);
    this.x = series.x ? toNumbers(series.x) : null;
    this.length = this.x ? Math.min(this.x.length, this.y.length) : this.y.length;
    this.start = series.start ?? 0;
    this.step = series.step ?? 1;
    const version = series.version ?? 0;
    const entry = treeOf(this.y, version);
    this.tree = entry.tree;
    this.offset = (this.y.byteOffset - entry.origin) / this.y.BYTES_PER_ELEMENT;
    const axis = this.x && treeOf(this.x, version);
    this.sorted = axis ? axis.sorted : true;
    this.xTree = axis ? axis.tree : null;
    this.xOffset = axis && this.x ? (this.x.byteOffset - axis.origin) / this.x.BYTES_PER_ELEMENT : 0;
  }

  /** @param {number} i */
  xAt(i) {
    return this.x ? this.x[i] : this.start + i * this.step;
  }

  /**
   * Return the range of indices that are within `min` to `max` on x, with a neighbour at each side.
   * @param {number} min
   * @param {number} max
   * @returns {[number, number]}
   */
  within(min, max) {
    if (!this.sorted) return [0, this.length];
    const from = this.indexAt(min) - 1;
    const to = this.indexAt(max) + 1;
    return [Math.max(0, Math.min(from, this.length)), Math.max(0, Math.min(to + 1, this.length))];
  }

  /**
   * Return the first index of which x is not below a value.
   * @param {number} value
   */
  indexAt(value) {
    if (this.x) return lowerBound(this.x, value, 0, this.length);
    return Math.min(this.length, Math.max(0, Math.ceil((value - this.start) / this.step)));
  }

  /**
   * Return the index of the point nearest to x, or null without points.
   * @param {number} value
   */
  nearest(value) {
    if (!this.length) return null;
    if (!this.sorted) return this.#nearestUnsorted(value);
    const after = Math.min(this.indexAt(value), this.length - 1);
    if (after === 0) return 0;
    return value - this.xAt(after - 1) < this.xAt(after) - value ? after - 1 : after;
  }

  /** @param {number} value */
  #nearestUnsorted(value) {
    let best = 0;
    let distance = Infinity;
    for (let i = 0; i < this.length; i += 1) {
      const d = Math.abs(this.xAt(i) - value);
      if (d < distance) [best, distance] = [i, d];
    }
    return best;
  }

  /**
   * Return the extremes of x from an index on; NaN without points.
   * @param {number} from
   * @param {boolean} positive  only positive values count
   * @returns {[number, number]}
   */
  xExtent(from, positive) {
    if (from >= this.length) return [NaN, NaN];
    if (!this.x || !this.xTree) {
      const first = positive ? Math.max(from, this.indexAt(Number.MIN_VALUE)) : from;
      return first < this.length ? [this.xAt(first), this.xAt(this.length - 1)] : [NaN, NaN];
    }
    if (positive) return positiveExtent(this.x, from, this.length);
    this.xTree.query(this.xOffset + from, this.xOffset + this.length);
    return [this.xTree.min, this.xTree.max];
  }

  /**
   * Return the extremes of y over a range of indices; NaN without values.
   * @param {number} from
   * @param {number} to
   * @param {boolean} positive
   * @returns {[number, number]}
   */
  yExtent(from, to, positive) {
    if (positive) return positiveExtent(this.y, from, to);
    this.tree.query(this.offset + from, this.offset + to);
    return [this.tree.min, this.tree.max];
  }

  /**
   * Return columns of extremes of the points from index `from` to `to`, with the index of each
   * column's first point, or null if there are too few points for it to pay.
   * @param {number} from
   * @param {number} to
   * @param {number} columns
   * @param {((column: number) => number) | null} xOfColumn  x at the left of a column; null: even
   */
  columns(from, to, columns, xOfColumn) {
    if (!this.sorted || to - from <= 4 * columns) return null;
    const edges = evenEdges(from, to, columns);
    if (this.x && xOfColumn) {
      for (let column = 1; column < columns; column += 1) {
        edges[column] = lowerBound(this.x, xOfColumn(column), edges[column - 1], to);
      }
    }
    const shifted = this.offset ? edges.map((edge) => edge + this.offset) : edges;
    return { edges, extremes: columnExtremes(this.tree, shifted) };
  }
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} from
 * @param {number} to
 * @returns {[number, number]}
 */
function positiveExtent(values, from, to) {
  let min = Infinity;
  let max = -Infinity;
  for (let i = from; i < to; i += 1) {
    const value = values[i];
    if (value > 0 && value < min) min = value;
    if (value > max && value < Infinity) max = value;
  }
  return min <= max ? [min, max] : [NaN, NaN];
}
