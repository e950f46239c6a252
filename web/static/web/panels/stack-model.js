// @ts-check
// The last rows of a two-dimensional array that grows: each row is a frame of a waterfall.
import { Waterfall } from "../plots/waterfall.js";
import { numbersOf } from "./numbers.js";

// A wider array is read as means of its columns, and its updates are averaged here.
const MAX_COLUMNS = 4096;

export class StackModel {
  /**
   * @param {any} node
   * @param {any} structure
   * @param {string} part  of complex numbers
   * @param {number} rows  how many to keep
   */
  constructor(node, structure, part, rows) {
    this.node = node;
    this.structure = structure;
    this.part = part;
    this.rows = rows;
    this.waterfall = new Waterfall(rows);
    /** Number of rows of the array. */
    this.end = 0;
    this.time = /** @type {number | null} */ (null);
  }

  /** Read the last rows that are stored, by one request. */
  async load() {
    const { structure } = await this.node.info();
    this.structure = structure;
    const [height] = structure.shape;
    this.waterfall = await this.#read(height);
    this.end = height;
  }

  /**
   * Return the waterfall as it was after an update, from the rows that are stored.
   * @param {any} update
   */
  async at({ offset, shape, timestamp: time }) {
    const end = Math.min((offset?.[0] ?? 0) + shape[0], this.end);
    return { waterfall: await this.#read(end), time, end };
  }

  /** @param {number} stop  the row after the newest one */
  async #read(stop) {
    const [, width] = this.structure.shape;
    const first = Math.max(0, stop - this.rows);
    const factor = Math.ceil(width / MAX_COLUMNS);
    const complex = this.structure.data_type.kind === "c";
    const reduce = factor > 1 && !complex ? `mean:1,${factor}` : undefined;
    const waterfall = new Waterfall(this.rows);
    if (stop && width) {
      const array = await this.node.read({ slice: `${first}:${stop}`, reduce });
      this.#push(waterfall, numbersOf(array, this.part), stop - first, width, reduce ? factor : 1);
    }
    return waterfall;
  }

  /**
   * @param {any} update
   * @param {any} array  its data
   * @param {boolean} known  whether it was among the rows that were read
   */
  apply(update, array, known) {
    this.time = update.timestamp;
    if (known && update.persisted) return undefined;
    const width = this.structure.shape[1];
    const start = update.offset?.[0] ?? 0;
    const [count, columns] = update.shape;
    const isAppended = update.offset && start === this.end && columns === width && !update.offset[1];
    if (!isAppended) return this.load();
    this.#push(this.waterfall, numbersOf(array, this.part), count, width, 1);
    this.end += count;
    return undefined;
  }

  /**
   * @param {Waterfall} waterfall
   * @param {import("../plots/decimate.js").Numbers} values
   * @param {number} count  of rows
   * @param {number} width  of the array
   * @param {number} factor  columns for each value
   */
  #push(waterfall, values, count, width, factor) {
    const columns = Math.ceil(width / factor);
    for (let row = Math.max(0, count - this.rows); row < count; row += 1) {
      waterfall.push(values.subarray(row * columns, (row + 1) * columns), { length: width, factor });
    }
  }
}
