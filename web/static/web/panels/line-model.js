// @ts-check
// A one-dimensional array as its stream writes it: replaced, appended to, or changed in places.
import { replay } from "../app/live/replay.js";
import { RollingBuffer } from "../plots/rolling.js";
import { interleaved, numbersOf, placeOf } from "./numbers.js";

// A longer array is read as minima and maxima of cells; a range that is zoomed into is read in full.
export const WHOLE = 2e6;
const CELLS = 200000;
const FRAME_BYTES = 64e6;
const MAX_FRAMES = 400;

/** @typedef {import("../plots/decimate.js").Numbers} Numbers */
/** @typedef {{values: Numbers, time: number, sequence: number}} LineFrame */

export class LineModel {
  #recalled = false;

  /**
   * @param {any} node  of the client
   * @param {any} structure
   * @param {string} part  of complex numbers
   */
  constructor(node, structure, part) {
    this.node = node;
    this.structure = structure;
    this.part = part;
    this.y = new RollingBuffer();
    /** Positions of the values, if some of these stand for many elements. @type {RollingBuffer | null} */
    this.x = null;
    this.length = 0;
    /** Changes when previous values may be out of date, so that readers of ranges read again. */
    this.revision = 0;
    /** Previous contents of an array that is replaced as a whole, the oldest first. @type {LineFrame[]} */
    this.frames = [];
    this.replaced = 0;
    this.appended = 0;
    /** @type {LineFrame | null} */
    this.newest = null;
    /** @type {((frame: LineFrame) => void)} */
    this.onFrame = () => {};
  }

  /** Whether each update has all of the array. */
  get isReplaced() {
    return this.replaced > 1 && this.appended === 0;
  }

  /** Whether the newest update has all of the array, and none appended to it. */
  get isWhole() {
    return this.newest !== null && this.appended === 0;
  }

  /** The contents that are known of an array that is replaced, the newest last. */
  get contents() {
    return this.newest ? [...this.frames, this.newest] : [];
  }

  /**
   * Read former contents that the stream retains, once, and return how many there are.
   * @param {number} rows  as many are of use
   */
  async recall(rows) {
    const [oldest] = this.contents;
    if (this.#recalled || !oldest) return 0;
    this.#recalled = true;
    const stop = oldest.sequence - 1;
    const count = Math.min(rows, Math.floor(FRAME_BYTES / oldest.values.byteLength));
    const updates = await replay(this.node, { start: Math.max(1, stop - count + 1), stop });
    const patched = updates.findLastIndex((update) => placeOf(update, this.structure.chunks?.[0]) !== null);
    const whole = updates.slice(patched + 1);
    const found = await Promise.all(
      whole.map(async (update) => ({ values: numbersOf(await update.data(), this.part), time: update.timestamp, sequence: update.sequence })),
    );
    this.frames = [...found, ...this.frames];
    this.replaced += found.length;
    return found.length;
  }

  /**
   * Read the stored array.
   * @param {"begin" | "gap" | "reset"} reason
   */
  async load(reason) {
    // Skipped updates do not matter if each update replaces the whole array.
    if (reason === "gap" && this.isReplaced) return false;
    if (reason === "reset") {
      this.frames = [];
      this.newest = null;
      this.replaced = 0;
    }
    const info = await this.node.info();
    this.structure = info.structure;
    const [length] = info.structure.shape;
    const { x, y } = await readRange(this.node, this.structure, 0, length, this.part);
    this.#reset(length, x, y);
  }

  /**
   * @param {any} update
   * @param {any} array  its data
   */
  async apply(update, array) {
    const values = numbersOf(array, this.part);
    const start = placeOf(update, this.structure.chunks?.[0]);
    if (start === null) {
      this.#replace(update, values);
      return;
    }
    if (start > this.length) {
      // Updates before this one were skipped, or came before the array was read.
      const missing = await readRange(this.node, this.structure, this.length, start, this.part).catch(() => null);
      if (missing && !missing.x) this.#put(this.length, missing.y);
    }
    if (start >= this.length) this.appended += 1;
    this.#put(start, values);
  }

  /**
   * @param {any} update
   * @param {Numbers} values
   */
  #replace(update, values) {
    // A subscription begins with the newest update, which may have been applied already.
    if (this.newest?.sequence === update.sequence && this.newest?.time === update.timestamp) return;
    this.replaced += 1;
    if (this.newest) this.frames.push(this.newest);
    this.newest = { values, time: update.timestamp, sequence: update.sequence };
    let bytes = 0;
    let keep = this.frames.length;
    while (keep > 0 && bytes < FRAME_BYTES) bytes += this.frames[(keep -= 1)].values.byteLength;
    this.frames = this.frames.slice(Math.max(keep, this.frames.length - MAX_FRAMES));
    this.#reset(values.length, null, values);
    this.onFrame(this.newest);
  }

  /**
   * @param {number} length
   * @param {Numbers | null} x
   * @param {Numbers} y
   */
  #reset(length, x, y) {
    this.length = length;
    this.revision += 1;
    this.y.reset(0, y);
    this.x = x ? new RollingBuffer() : null;
    this.x?.append(/** @type {Numbers} */ (x));
  }

  /**
   * @param {number} start
   * @param {Numbers} values
   */
  #put(start, values) {
    if (!this.x) {
      this.y.set(start, values);
      this.length = Math.max(this.length, start + values.length);
      return;
    }
    // Cells that were read as extremes are not changed until they are read again.
    const skipped = Math.max(0, this.length - start);
    if (skipped) this.revision += 1;
    if (skipped >= values.length) return;
    const added = skipped ? values.subarray(skipped) : values;
    const from = Math.max(start, this.length);
    this.x.append(Float64Array.from({ length: added.length }, (_, i) => from + i));
    this.y.append(added);
    this.length = from + added.length;
  }

  /** The series of the newest contents. @param {string} label @returns {import("../plots/line-series.js").Series} */
  series(label) {
    return { label, x: this.x?.values ?? null, y: this.y.values, version: this.y.version + (this.x ? 1e6 * this.x.version : 0) };
  }
}

/**
 * Read a range of a one-dimensional array for drawing: all elements, or where there are too many,
 * the minimum and maximum of cells, with the positions of these.
 * @param {any} node
 * @param {any} structure
 * @param {number} start
 * @param {number} stop
 * @param {string} part
 * @param {AbortSignal} [signal]
 * @returns {Promise<{x: Numbers | null, y: Numbers, factor: number}>}
 */
export async function readRange(node, structure, start, stop, part, signal) {
  const count = stop - start;
  if (count <= 0) return { x: null, y: new Float64Array(0), factor: 1 };
  const slice = `${start}:${stop}`;
  if (count <= WHOLE) return { x: null, y: numbersOf(await node.read({ slice, signal }), part), factor: 1 };
  const factor = Math.ceil(count / CELLS);
  if (structure.data_type.kind === "c") {
    const y = numbersOf(await node.read({ slice: `${slice}:${factor}`, signal }), part);
    return { x: Float64Array.from({ length: y.length }, (_, i) => start + i * factor), y, factor };
  }
  const [low, high] = await Promise.all(["min", "max"].map((kind) => node.read({ slice, reduce: `${kind}:${factor}`, signal })));
  const y = interleaved(numbersOf(low, part), numbersOf(high, part));
  return { x: Float64Array.from({ length: y.length }, (_, i) => start + (i * factor) / 2), y, factor };
}
