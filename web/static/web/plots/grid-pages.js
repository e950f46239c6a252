// @ts-check
// Rows of a table by pages: those that a grid shows are read, the newest pages are kept.

/**
 * Some consecutive rows. `value` takes the number of the row within these, and of the column.
 * @typedef {{start: number, length: number, value: (row: number, column: number) => unknown}} Rows
 */
/** @typedef {{rows: Rows | null, error: string, failedAt: number}} Page */

const PAGE = 200;
const KEEP = 60;
const PARALLEL = 2;
const RETRY_MS = 3000;
// While a user scrolls through pages, none of them is read.
const SETTLE_MS = 60;

export class GridPages {
  /** @type {() => void} called when rows have arrived */
  onChange = () => {};
  /** @type {Map<number, Page>} the most recently used at the end */
  #pages = new Map();
  #loading = new Set(/** @type {number[]} */ ([]));
  /** @type {number[]} */
  #wanted = [];
  #timer = 0;
  #generation = 0;
  /** @type {(start: number, stop: number) => Promise<Rows>} */
  #read;

  /** @param {(start: number, stop: number) => Promise<Rows>} read */
  constructor(read) {
    this.#read = read;
  }

  /** Forget all rows, as they have changed. */
  clear() {
    this.#generation += 1;
    this.#pages.clear();
    this.#loading.clear();
  }

  /**
   * Return the rows that have a row, or why there are none.
   * @param {number} row
   * @returns {Rows | string | null}  null: not read yet
   */
  find(row) {
    const page = this.#pages.get(Math.floor(row / PAGE));
    if (page?.rows && row < page.rows.start + page.rows.length) return page.rows;
    return page?.error || null;
  }

  /**
   * Read what is missing of a range of rows, soon.
   * @param {number} start
   * @param {number} stop
   * @param {number} total
   */
  want(start, stop, total) {
    this.#wanted = [];
    for (let page = Math.floor(start / PAGE); start < stop && page * PAGE < stop; page += 1) {
      const known = this.#pages.get(page);
      const end = Math.min(stop, (page + 1) * PAGE);
      const complete = known?.rows && known.rows.start + known.rows.length >= end;
      const failed = known?.error && Date.now() - known.failedAt < RETRY_MS;
      if (known) {
        this.#pages.delete(page);
        this.#pages.set(page, known);
      }
      if (!complete && !failed && !this.#loading.has(page)) this.#wanted.push(page);
    }
    clearTimeout(this.#timer);
    if (this.#wanted.length) this.#timer = window.setTimeout(() => this.#load(total), SETTLE_MS);
  }

  dispose() {
    clearTimeout(this.#timer);
    this.#generation += 1;
    this.onChange = () => {};
  }

  /** @param {number} total */
  #load(total) {
    while (this.#loading.size < PARALLEL) {
      const page = this.#wanted.shift();
      if (page === undefined) return;
      this.#loading.add(page);
      this.#fetch(page, Math.min(total, (page + 1) * PAGE)).finally(() => this.#load(total));
    }
  }

  /**
   * @param {number} page
   * @param {number} stop
   */
  async #fetch(page, stop) {
    const generation = this.#generation;
    /** @type {Page} */
    const result = { rows: null, error: "", failedAt: 0 };
    try {
      result.rows = await this.#read(page * PAGE, stop);
    } catch (error) {
      result.error = error instanceof Error ? error.message : String(error);
      result.failedAt = Date.now();
    }
    if (generation !== this.#generation) return;
    this.#loading.delete(page);
    this.#pages.set(page, result);
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= KEEP) break;
      this.#pages.delete(oldest);
    }
    this.onChange();
  }
}
