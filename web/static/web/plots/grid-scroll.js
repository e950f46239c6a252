// @ts-check
// Where a grid of any number of rows is scrolled to.
//
// Browsers limit the height of an element to some 16 to 33 million pixels. Beyond MAX_HEIGHT the
// scrollbar covers the rows in proportion, and small steps (wheel, touch) move by their own pixels.

const MAX_HEIGHT = 12e6;

export class GridScroll {
  /** @param {number} rowHeight */
  constructor(rowHeight) {
    this.rowHeight = rowHeight;
    this.total = 0;
    this.viewport = 0;
    /** How far the first row is above the top of the viewport, in pixels. */
    this.top = 0;
    this.position = 0;
  }

  /**
   * @param {number} total
   * @param {number} viewport  the height of the rows' part, in pixels
   */
  measure(total, viewport) {
    this.total = total;
    this.viewport = viewport;
    this.top = Math.min(this.top, this.maxTop);
  }

  /** The height of all rows in the scrolled element. */
  get height() {
    return Math.min(this.total * this.rowHeight, MAX_HEIGHT);
  }

  get maxTop() {
    return Math.max(0, this.total * this.rowHeight - this.viewport);
  }

  /** How many pixels of rows a pixel of the scrollbar stands for. */
  get ratio() {
    const range = this.height - this.viewport;
    return range > 0 ? this.maxTop / range : 1;
  }

  /** Where the scrollbar belongs. */
  get scrollbar() {
    return this.top / this.ratio;
  }

  get atEnd() {
    return this.top >= this.maxTop - this.rowHeight / 2;
  }

  /**
   * Follow the scrollbar.
   * @param {number} position
   */
  scrolledTo(position) {
    const step = position - this.position;
    const range = this.height - this.viewport;
    const small = this.ratio > 1 && Math.abs(step) < 3 * this.viewport && position > 0 && position < range - 1;
    this.top = small ? this.top + step : position * this.ratio;
    this.top = Math.min(Math.max(0, this.top), this.maxTop);
    this.position = position;
  }

  /**
   * Scroll as far as a row needs to be in view.
   * @param {number} row
   */
  reveal(row) {
    const at = row * this.rowHeight;
    if (at < this.top) this.top = at;
    else if (at + this.rowHeight > this.top + this.viewport) this.top = at + this.rowHeight - this.viewport;
    this.top = Math.min(Math.max(0, this.top), this.maxTop);
  }

  toEnd() {
    this.top = this.maxTop;
  }

  /** The rows in view: the first, and the one after the last. @returns {[number, number]} */
  get visible() {
    const first = Math.floor(this.top / this.rowHeight);
    return [first, Math.min(this.total, Math.ceil((this.top + this.viewport) / this.rowHeight))];
  }

  get rowsPerPage() {
    return Math.max(1, Math.floor(this.viewport / this.rowHeight) - 1);
  }
}
