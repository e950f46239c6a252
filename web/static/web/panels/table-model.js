// @ts-check
// The rows of a table: how many there are, the newest of them, and columns for plots.
//
// Each update of stored rows says which rows these are. `load` reads the stored rows, and with them
// those of updates that are still to be applied: they are recognized by their numbers. Where numbers do
// not continue those known, the table is loaded again.
import { RollingBuffer } from "../plots/rolling.js";
import { columnNumbers, columnsOf, rowsOf } from "./columns.js";

/** @typedef {import("../plots/data-grid.js").Column} Column */

// Integers that numbers of JavaScript do not hold must not fail.
export const ARROW = { useBigInt: true };
const TAIL = 2000;
// Rows that are only streamed cannot be read again, so more of them are kept.
const UNSTORED_TAIL = 50000;
const LOADED = 1000;
const MAX_ROWS = 1e6;

export class TableModel {
  /** @type {Promise<unknown>} */
  #following = Promise.resolve();

  /**
   * @param {any} node
   * @param {any} structure
   */
  constructor(node, structure) {
    this.node = node;
    /** @type {string[]} */
    this.names = structure.columns;
    this.partitions = structure.npartitions;
    /** @type {Column[]} */
    this.columns = this.names.map((name) => ({ name, type: "other" }));
    this.total = 0;
    /** Number of rows that can be read from the server by the number that they have here. */
    this.stored = 0;
    /** Number of rows of the table on the server, as far as updates were applied. */
    this.end = 0;
    /** Number of rows received since the subscription began. */
    this.received = 0;
    /** Changes when rows that were read may be out of date. */
    this.revision = 0;
    /** The newest rows. @type {unknown[][]} */
    this.tail = [];
    /** @type {Map<string, RollingBuffer>} */
    this.buffers = new Map();
    /** First row that the tail must keep, for a read of history in progress. */
    this.hold = Infinity;
    /** Whether there are rows that were only streamed. */
    this.unstored = false;
  }

  /** The number of the first row of the tail. */
  get tailStart() {
    return this.total - this.tail.length;
  }

  /** Read the number of rows, and the newest rows. */
  async load() {
    const total = await this.count();
    const start = Math.max(0, total - LOADED);
    const table = await this.node.read({ rows: [start, total], arrow: ARROW });
    this.columns = columnsOf(table, this.names);
    this.total = total;
    this.stored = total;
    this.end = total;
    this.unstored = false;
    this.tail = rowsOf(table, this.columns, 0);
    this.buffers = new Map();
    this.hold = Infinity;
    this.revision += 1;
  }

  /** Return the number of stored rows: the length of a column, which is a node. */
  async count() {
    const name = this.names.find((one) => one && !one.includes("/"));
    if (name === undefined) return this.names.length ? (await this.node.read({ columns: [this.names[0]], arrow: ARROW })).numRows : 0;
    const info = await this.node.node([name]).info({ dataSources: false });
    return info.structure.shape[0];
  }

  /** How the data of updates are decoded. */
  get decoding() {
    return { arrow: ARROW };
  }

  /**
   * @param {any} update
   * @param {any} table
   * @param {boolean} known  whether the update was received before the model was loaded
   */
  apply(update, table, known) {
    if (this.columns.every((column) => column.type === "other")) this.columns = columnsOf(table, this.names);
    this.received += table.numRows;
    const persisted = update.persisted !== false;
    if (persisted && known) return undefined;
    // Rows of one of several partitions move those of later ones, and may be counted in it.
    const { partition, type } = update.message;
    const inner = this.partitions > 1 && partition !== null;
    if (inner && (!update.append || type === "table-ref" || partition !== this.partitions - 1)) return this.load();
    if (persisted && !update.rows) return this.load();
    if (!update.append) this.#clear(persisted);
    else if (persisted && update.rows.offset !== this.end) {
      return update.rows.offset + update.rows.count <= this.end ? undefined : this.load();
    }
    this.#append(table, persisted);
    return undefined;
  }

  /**
   * Forget all rows: others replace them, on the server only if they are stored.
   * @param {boolean} persisted
   */
  #clear(persisted) {
    this.total = 0;
    this.stored = 0;
    if (persisted) this.end = 0;
    this.unstored = false;
    this.tail = [];
    this.revision += 1;
    for (const buffer of this.buffers.values()) buffer.reset(0);
  }

  /**
   * @param {any} table
   * @param {boolean} persisted
   */
  #append(table, persisted) {
    const count = table.numRows;
    if (!persisted) this.unstored = true;
    const limit = this.unstored ? UNSTORED_TAIL : TAIL;
    const needed = Math.max(limit, this.total - this.hold + count);
    this.tail.push(...rowsOf(table, this.columns, Math.max(0, count - needed)));
    // Not at each append, since the whole tail is copied.
    if (this.tail.length > 2 * needed) this.tail = this.tail.slice(-needed);
    for (const [name, buffer] of this.buffers) buffer.append(columnNumbers(table, name));
    this.total += count;
    if (persisted) this.end += count;
    if (!this.unstored) this.stored = this.total;
  }

  /**
   * Buffer these columns: at most `MAX_ROWS` stored rows, and all that arrive from now on.
   * @param {string[]} names
   * @returns {Promise<boolean>}  whether columns were read
   */
  follow(names) {
    const result = this.#following.then(() => this.#follow(names));
    this.#following = result.catch(() => {});
    return result;
  }

  /**
   * @param {string[]} names
   * @returns {Promise<boolean>}
   */
  async #follow(names) {
    for (const name of this.buffers.keys()) if (!names.includes(name)) this.buffers.delete(name);
    const missing = names.filter((name) => !this.buffers.has(name) && this.names.includes(name));
    if (!missing.length) return false;
    const { revision } = this;
    const [start, stop] = [Math.max(0, this.stored - MAX_ROWS), this.stored];
    this.hold = Math.min(this.hold, stop);
    const table = stop > start ? await this.node.read({ columns: missing, rows: [start, stop], arrow: ARROW }) : null;
    if (revision !== this.revision) return this.#follow(names);
    for (const name of missing) {
      const buffer = new RollingBuffer(Float64Array, MAX_ROWS);
      buffer.reset(start, table ? columnNumbers(table, name) : []);
      // Rows that arrived during the read.
      const column = this.names.indexOf(name);
      const from = Math.max(0, stop - this.tailStart);
      buffer.append(Float64Array.from(this.tail.slice(from), (row) => numberOf(row[column])));
      this.buffers.set(name, buffer);
    }
    this.hold = Infinity;
    return true;
  }

  /**
   * Read rows for the grid.
   * @param {number} start
   * @param {number} stop
   * @returns {Promise<import("../plots/grid-pages.js").Rows>}
   */
  async rows(start, stop) {
    const end = Math.min(stop, this.stored);
    if (start >= end) throw new Error("This row was only streamed, not stored, and is no longer in memory.");
    const table = await this.node.read({ rows: [start, end], arrow: ARROW });
    const columns = this.names.map((name) => table.getChild(name));
    return { start, length: table.numRows, value: (row, column) => columns[column]?.at(row) ?? null };
  }
}

/** @param {unknown} value */
function numberOf(value) {
  return value === null || value === undefined ? NaN : Number(value);
}
