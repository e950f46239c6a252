// @ts-check
// The mean, sum or maximum over the newest frames, kept up to date as frames come and go.

/** @typedef {import("./decimate.js").Numbers} Numbers */
/** @typedef {"mean" | "sum" | "max"} Aggregation */

export const AGGREGATIONS = /** @type {Aggregation[]} */ (["mean", "sum", "max"]);

/** The newest frames of one size, and their sum, so that a mean costs one pass over a frame. */
export class FrameAggregate {
  /** @param {number} count  over how many of the newest frames */
  constructor(count) {
    this.count = Math.max(1, Math.floor(count));
    /** @type {Numbers[]} */
    this.frames = [];
    /** @type {Float64Array | null} */
    this.total = null;
    this.removed = 0;
  }

  /**
   * Add a frame, which must not change afterwards. A frame of another size starts again.
   * @param {Numbers} frame
   */
  push(frame) {
    if (this.total && this.total.length !== frame.length) this.clear();
    this.frames.push(frame);
    this.total ??= new Float64Array(frame.length);
    add(this.total, frame, 1);
    while (this.frames.length > this.count) {
      const oldest = /** @type {Float64Array} */ (this.frames.shift());
      add(this.total, oldest, -1);
      this.removed += oldest.some((value) => !Number.isFinite(value)) ? this.count : 1;
    }
    // NaN never leaves a sum, and errors of rounding add up: then the sum is computed again.
    if (this.removed >= this.count) {
      this.removed = 0;
      this.total.fill(0);
      for (const kept of this.frames) add(this.total, kept, 1);
    }
  }

  clear() {
    this.frames = [];
    this.total = null;
    this.removed = 0;
  }

  /**
   * Return the aggregate of the frames as a new array; null before the first frame.
   * @param {Aggregation} kind
   * @returns {Float64Array | null}
   */
  result(kind) {
    if (!this.total) return null;
    if (kind === "max") return maximum(this.frames);
    const result = Float64Array.from(this.total);
    if (kind === "mean") {
      const count = this.frames.length;
      for (let i = 0; i < result.length; i += 1) result[i] /= count;
    }
    return result;
  }
}

/**
 * Return the aggregate of frames of one size.
 * @param {Numbers[]} frames
 * @param {Aggregation} kind
 */
export function aggregate(frames, kind) {
  const all = new FrameAggregate(frames.length);
  for (const frame of frames) all.push(frame);
  return all.result(kind);
}

/**
 * @param {Float64Array} total
 * @param {Numbers} frame
 * @param {number} sign
 */
function add(total, frame, sign) {
  for (let i = 0; i < total.length; i += 1) total[i] += sign * frame[i];
}

/** @param {Numbers[]} frames */
function maximum(frames) {
  const result = Float64Array.from(frames[0]);
  for (const frame of frames.slice(1)) {
    // A value that is NaN does not hide the others.
    for (let i = 0; i < result.length; i += 1) if (!(frame[i] <= result[i]) && frame[i] === frame[i]) result[i] = frame[i];
  }
  return result;
}
