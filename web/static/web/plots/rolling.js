// @ts-check
// Buffers of numbers that grow at their end, of all values or of the newest ones, and windows.
import { lowerBound } from "./decimate.js";

/** @typedef {import("./decimate.js").Numbers} Numbers */
/** @typedef {new (length: number) => Numbers} NumbersType */

/**
 * Numbers that grow at the end. Indices count from the first number there ever was; with a limit,
 * the oldest are dropped. `version` changes when numbers move or change, not when some are added.
 */
export class RollingBuffer {
  /**
   * @param {NumbersType} [Type]
   * @param {number} [limit]  how many of the newest numbers to keep at least
   */
  constructor(Type = Float64Array, limit = Infinity) {
    this.Type = Type;
    this.limit = limit;
    this.version = 0;
    /** The index of the oldest number that is kept. */
    this.start = 0;
    this.length = 0;
    this.store = new Type(1024);
  }

  /** The index after the newest number. */
  get end() {
    return this.start + this.length;
  }

  /** A view of the numbers that are kept; good until the next change. @returns {Numbers} */
  get values() {
    return this.store.subarray(0, this.length);
  }

  /** @param {ArrayLike<number>} values */
  append(values) {
    let added = values;
    if (values.length > this.limit) {
      added = part(values, values.length - this.limit, values.length);
      this.start += this.length + values.length - added.length;
      this.length = 0;
      this.version += 1;
    }
    this.#reserve(added.length);
    this.store.set(added, this.length);
    this.length += added.length;
  }

  /**
   * Put values at an index. Indices that are left out between are NaN, or 0 in integers.
   * @param {number} index
   * @param {ArrayLike<number>} values
   */
  set(index, values) {
    if (index > this.end) this.append(new this.Type(index - this.end).fill(NaN));
    if (index === this.end) {
      this.append(values);
      return;
    }
    const skipped = Math.max(0, this.start - index);
    const inside = Math.min(values.length, this.end - index);
    if (inside > skipped) {
      this.store.set(part(values, skipped, inside), index + skipped - this.start);
      this.version += 1;
    }
    if (inside < values.length) this.append(part(values, inside, values.length));
  }

  /**
   * Start again, with values from an index on.
   * @param {number} [start]
   * @param {ArrayLike<number>} [values]
   */
  reset(start = 0, values = []) {
    this.start = start;
    this.length = 0;
    this.version += 1;
    this.append(values);
  }

  /** @param {number} count */
  #reserve(count) {
    const needed = this.length + count;
    if (needed <= this.store.length) return;
    if (needed > this.limit && this.store.length >= 2 * this.limit) {
      const keep = Math.max(0, Math.min(this.length, this.limit - count));
      this.store.copyWithin(0, this.length - keep, this.length);
      this.start += this.length - keep;
      this.length = keep;
      this.version += 1;
      return;
    }
    const size = Math.min(Math.max(2 * this.store.length, needed), Math.max(2 * this.limit, needed));
    const store = new this.Type(size);
    store.set(this.store.subarray(0, this.length));
    this.store = store;
    this.version += 1;
  }
}

/**
 * @param {ArrayLike<number>} values
 * @param {number} from
 * @param {number} to
 * @returns {ArrayLike<number>}
 */
function part(values, from, to) {
  return ArrayBuffer.isView(values) ? /** @type {any} */ (values).subarray(from, to) : Array.prototype.slice.call(values, from, to);
}

/** @typedef {{count: number, span: number}} Window  the newest `count` points, or `span` of x; 0: all */

const UNITS = /** @type {Record<string, number>} */ ({ s: 1000, m: 60000, h: 3600000, d: 86400000 });

/**
 * Parse a window: "1000" is the newest 1,000 points, "30s" (m, h, d) the newest 30 seconds.
 * @param {unknown} text
 * @returns {Window}
 */
export function parseWindow(text) {
  const found = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(String(text ?? "").trim());
  if (!found) return { count: 0, span: 0 };
  const number = Number(found[1]);
  return found[2] ? { count: 0, span: number * UNITS[found[2]] } : { count: Math.round(number), span: 0 };
}

/**
 * Return the index at which a window on a series begins.
 * @param {ArrayLike<number> | null} x  null: the index
 * @param {number} length
 * @param {Window} window
 */
export function windowStart(x, length, window) {
  if (window.count) return Math.max(0, length - window.count);
  if (!window.span || !x || !length) return 0;
  return lowerBound(x, x[length - 1] - window.span, 0, length);
}
