// @ts-check
// Extremes of long series, so that a line of a million points is drawn from some thousand values.
//
// A MinMaxTree keeps the minimum and maximum of every 16 values, of every 256, and so on. It grows
// with its values: only the blocks that new values touch are computed.

/**
 * @typedef {Float64Array | Float32Array | Int8Array | Uint8Array | Int16Array | Uint16Array
 *   | Int32Array | Uint32Array} Numbers
 */

const FACTOR = 16;

export class MinMaxTree {
  /** @param {Numbers} values  all that may ever be in the tree; `grow` says how many count */
  constructor(values) {
    this.values = values;
    this.length = 0;
    /** @type {{min: Float64Array, max: Float64Array}[]} */
    this.levels = [];
    let size = values.length;
    while (size > FACTOR) {
      size = Math.ceil(size / FACTOR);
      this.levels.push({ min: new Float64Array(size), max: new Float64Array(size) });
    }
    /** The result of the last query: NaN without finite values. */
    this.min = NaN;
    this.max = NaN;
  }

  /**
   * Include the values up to `length`; those before were included and have not changed.
   * @param {number} length
   */
  grow(length) {
    let from = this.length;
    let to = length;
    this.length = length;
    let below = { min: /** @type {Numbers} */ (this.values), max: /** @type {Numbers} */ (this.values) };
    for (const level of this.levels) {
      from = Math.floor(from / FACTOR);
      const end = Math.ceil(to / FACTOR);
      for (let block = from; block < end; block += 1) {
        let low = Infinity;
        let high = -Infinity;
        const stop = Math.min((block + 1) * FACTOR, to);
        for (let i = block * FACTOR; i < stop; i += 1) {
          // Comparisons with NaN are false; infinities are not limits of an axis either.
          if (below.min[i] < low && below.min[i] !== -Infinity) low = below.min[i];
          if (below.max[i] > high && below.max[i] !== Infinity) high = below.max[i];
        }
        level.min[block] = low;
        level.max[block] = high;
      }
      below = level;
      to = end;
    }
  }

  /**
   * Find the finite minimum and maximum of a range; read them from `min` and `max`.
   * @param {number} start
   * @param {number} end
   */
  query(start, end) {
    this.min = Infinity;
    this.max = -Infinity;
    let level = -1;
    let from = start;
    let to = end;
    // Scan to the borders of blocks on each level, and take the blocks between from the next one.
    while (to - from > 2 * FACTOR && level + 1 < this.levels.length) {
      const first = Math.ceil(from / FACTOR);
      const last = Math.floor(to / FACTOR);
      this.#scan(level, from, first * FACTOR);
      this.#scan(level, last * FACTOR, to);
      from = first;
      to = last;
      level += 1;
    }
    this.#scan(level, from, to);
    if (this.min > this.max) this.min = this.max = NaN;
  }

  /**
   * @param {number} level
   * @param {number} from
   * @param {number} to
   */
  #scan(level, from, to) {
    const low = level < 0 ? this.values : this.levels[level].min;
    const high = level < 0 ? this.values : this.levels[level].max;
    let { min, max } = this;
    for (let i = from; i < to; i += 1) {
      if (low[i] < min && low[i] !== -Infinity) min = low[i];
      if (high[i] > max && high[i] !== Infinity) max = high[i];
    }
    this.min = min;
    this.max = max;
  }
}

/**
 * Return the index of the first of the sorted values `x[start:end]` that is not below `value`.
 * @param {ArrayLike<number>} x
 * @param {number} value
 * @param {number} start
 * @param {number} end
 */
export function lowerBound(x, value, start, end) {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (x[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Reduce a range to columns: four numbers for each, its first value, minimum, maximum and last
 * value. Lines through these cover the same pixels as lines through all values.
 * @param {MinMaxTree} tree
 * @param {ArrayLike<number>} edges  the index at which each column begins, and the end of the last
 * @param {Float64Array} [into]
 * @returns {Float64Array}  NaN in columns without finite values
 */
export function columnExtremes(tree, edges, into) {
  const count = edges.length - 1;
  const result = into && into.length >= 4 * count ? into : new Float64Array(4 * count);
  for (let column = 0; column < count; column += 1) {
    const start = edges[column];
    const end = edges[column + 1];
    const at = 4 * column;
    if (start >= end) {
      result.fill(NaN, at, at + 4);
      continue;
    }
    tree.query(start, end);
    const first = Number(tree.values[start]);
    const last = Number(tree.values[end - 1]);
    result[at] = Number.isFinite(first) ? first : tree.min;
    result[at + 1] = tree.min;
    result[at + 2] = tree.max;
    result[at + 3] = Number.isFinite(last) ? last : tree.max;
  }
  return result;
}

/**
 * Return the edges of `count` columns of about the same number of values.
 * @param {number} start
 * @param {number} end
 * @param {number} count
 * @returns {Int32Array}
 */
export function evenEdges(start, end, count) {
  const edges = new Int32Array(count + 1);
  for (let column = 0; column <= count; column += 1) {
    edges[column] = start + Math.round(((end - start) * column) / count);
  }
  return edges;
}
