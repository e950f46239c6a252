// @ts-check
// What the kernel has sent, for all views of one widget. Each content is acknowledged when it was
// drawn; the kernel sends the next one after that, so that neither of the two falls behind.
import { RollingBuffer } from "../static/web/plots/rolling.js";
import { numbersOf, valuesOf } from "./buffers.js";

/** @typedef {import("./types.js").Model} Model */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Status} Status */

// Content that no view can draw, such as of a widget that is hidden, is acknowledged after this time.
const UNDRAWN_MS = 2000;

export class Store {
  /** @param {Model} model */
  constructor(model) {
    this.model = model;
    /** @type {Status} */
    this.status = { state: "connecting", text: "connecting ..." };
    this.id = 0;
    this.acknowledged = 0;
    /** When the last content was acknowledged, and how long to wait between two. */
    this.drawnAt = -Infinity;
    this.interval = Number(model.get("interval"));
    this.timer = 0;
    this.undrawn = 0;
    /** Settings of the plot, such as its zoom: kept when the notebook makes the view again. @type {any} */
    this.view = { ...model.get("look") };
    /** @type {any} */
    this.frame = null;
    /** @type {{xLabel: string, time: boolean, x: RollingBuffer | null, columns: {name: string, values: RollingBuffer}[]} | null} */
    this.lines = null;
    this.generation = -1;
    /** @type {{start: number, columns: {name: string, values: ArrayLike<any>}[]} | null} */
    this.rows = null;
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    model.on("msg:custom", (content, buffers) => this.receive(content, buffers));
  }

  /** @param {() => void} listener */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** @param {any} patch of the settings */
  change(patch) {
    this.view = { ...this.view, ...patch };
    this.#notify();
  }

  get hasContent() {
    return this.id > 0;
  }

  /**
   * @param {Message} message
   * @param {DataView[]} buffers
   */
  receive(message, buffers) {
    this.status = message.status;
    if (message.type === "image") {
      const { dtype, ...frame } = message.frame;
      this.frame = { ...frame, data: numbersOf(buffers[0], dtype), id: message.id };
    } else if (message.type === "lines") {
      this.#extend(message, buffers);
    } else if (message.type === "rows") {
      const columns = message.columns.map(({ name, type }, i) => ({ name, values: valuesOf(buffers[i], type) }));
      this.rows = { start: message.start, columns };
    }
    if (message.type !== "status") {
      this.id = message.id;
      clearTimeout(this.undrawn);
      this.undrawn = window.setTimeout(() => this.drawn(message.id), UNDRAWN_MS);
    }
    this.#notify();
  }

  #notify() {
    for (const listener of this.listeners) listener();
  }

  /** Say that content was drawn, not more often than at the rate of the widget. @param {number} id */
  drawn(id) {
    if (id <= this.acknowledged) return;
    this.acknowledged = id;
    clearTimeout(this.undrawn);
    const send = () => {
      this.drawnAt = performance.now();
      this.model.send({ type: "drawn", id });
    };
    const wait = this.drawnAt + this.interval - performance.now();
    clearTimeout(this.timer);
    if (wait > 0) this.timer = window.setTimeout(send, wait);
    else send();
  }

  /** @param {import("../static/web/image/display.js").Viewport} viewport */
  look(viewport) {
    const { y0, y1, x0, x1, height, width } = viewport;
    this.model.send({ type: "viewport", y0, y1, x0, x1, height, width });
  }

  /**
   * Add points to the lines, or begin with these.
   * @param {import("./types.js").LinesMessage} message
   * @param {DataView[]} buffers
   */
  #extend(message, buffers) {
    const { generation, start, xLabel, time, hasX, limit } = message;
    const arrays = message.columns.map(({ type }, i) => valuesOf(buffers[i], type));
    const first = this.lines?.columns[0].values;
    if (!this.lines || generation !== this.generation || start !== first?.end) {
      const fresh = () => new RollingBuffer(Float64Array, limit);
      const names = message.columns.slice(hasX ? 1 : 0).map(({ name }) => name);
      this.lines = { xLabel, time, x: hasX ? fresh() : null, columns: names.map((name) => ({ name, values: fresh() })) };
      for (const buffer of this.#buffers()) buffer.reset(start);
      this.generation = generation;
    }
    this.#buffers().forEach((buffer, i) => buffer.append(arrays[i]));
    // Views notice another object.
    this.lines = { ...this.lines };
  }

  #buffers() {
    const { x, columns } = /** @type {NonNullable<Store["lines"]>} */ (this.lines);
    return [...(x ? [x] : []), ...columns.map(({ values }) => values)];
  }
}
