// @ts-check
// The newest one-dimensional frames as rows of an image, the newest at the bottom.

/** @typedef {import("./decimate.js").Numbers} Numbers */

// More columns than screens have are not drawn: each is the mean of some elements.
const MAX_COLUMNS = 4096;

export class Waterfall {
  /** @param {number} rows  how many of the newest frames to keep */
  constructor(rows) {
    this.rows = rows;
    this.length = 0;
    this.factor = 1;
    this.width = 0;
    this.count = 0;
    this.next = 0;
    this.data = new Float32Array(0);
  }

  /**
   * Add a frame. A frame of another length starts again.
   * @param {Numbers} values
   * @param {{length: number, factor: number}} [full]  if each value is the mean of `factor` elements: how
   *   many elements the frame has
   */
  push(values, { length, factor } = { length: values.length, factor: 1 }) {
    if (!values.length) return;
    if (length !== this.length) {
      this.length = length;
      this.factor = Math.ceil(length / MAX_COLUMNS);
      this.width = Math.ceil(length / this.factor);
      this.count = 0;
      this.next = 0;
      this.data = new Float32Array(this.rows * this.width);
    }
    const row = this.data.subarray(this.next * this.width, (this.next + 1) * this.width);
    if (this.factor === factor) row.set(values);
    else means(values, this.factor, row);
    this.next = (this.next + 1) % this.rows;
    this.count = Math.min(this.rows, this.count + 1);
  }

  /**
   * Return the frames as a new frame of the image view; null before the first.
   * @param {number | null} time
   */
  frame(time) {
    if (!this.count) return null;
    const { width, rows, count, next } = this;
    const data = new Float32Array(count * width);
    const first = count < rows ? 0 : next;
    const older = this.data.subarray(first * width, count * width);
    data.set(older);
    data.set(this.data.subarray(0, first * width), older.length);
    return {
      data, height: count, width, channels: 1, kind: "f", y0: 0, x0: 0, dy: 1, dx: this.factor,
      fullHeight: count, fullWidth: this.length, time,
    };
  }
}

/**
 * @param {Numbers} values
 * @param {number} factor
 * @param {Float32Array} into
 */
function means(values, factor, into) {
  for (let cell = 0; cell < into.length; cell += 1) {
    const stop = Math.min(values.length, (cell + 1) * factor);
    let sum = 0;
    for (let i = cell * factor; i < stop; i += 1) sum += values[i];
    into[cell] = sum / (stop - cell * factor);
  }
}
