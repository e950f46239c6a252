// @ts-check
// Apply every update of a node to a model, in order, and draw at most once per animation frame.
import { useEffect, useMemo, useReducer, useRef, useState } from "../vendor/preact.js";
import { useLive } from "../app/live/use-live.js";
import { useReady } from "./use-ready.js";

/**
 * @typedef {object} Model  a panel's copy of the data
 * @property {(update: any, data: any, known: boolean) => unknown} apply  called in order; the next
 *   update waits for its promise. `known`: received before `load` was called, so already included
 * @property {(reason: "begin" | "gap" | "reset") => unknown} load  read the stored data: at the
 *   beginning, and when updates are missing; returns false if nothing was read. Updates received
 *   meanwhile are applied afterwards.
 * @property {Record<string, unknown>} [decoding]  options of the data of updates
 */

/**
 * Keep a model up to date with a node's stream. The subscription begins before the model is loaded, so
 * that no update between the two is missed.
 * @param {any} client
 * @param {any} info
 * @param {Record<string, unknown>} options  of the subscription
 * @param {Model} model
 * @param {(live: any) => void} onLive
 */
export function useUpdates(client, info, options, model, onLive) {
  const [tick, draw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const [failure, setFailure] = useState("");
  const [loaded, setLoaded] = useState(false);
  const queue = useMemo(() => new UpdateQueue(model), [model]);
  const live = useLive(client, info.path, {
    ...options,
    onUpdate: (update) => queue.push(update),
    onHole: (reason) => queue.load(reason),
  });
  const paused = useRef(false);
  paused.current = live.paused;

  useEffect(() => {
    let frame = 0;
    queue.onChange = () => {
      if (frame || paused.current) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        draw(undefined);
      });
    };
    queue.onLoaded = () => setLoaded(true);
    queue.onError = (/** @type {any} */ error) => setFailure(error ? error.detail || error.message || String(error) : "");
    return () => {
      cancelAnimationFrame(frame);
      queue.close();
    };
  }, [queue]);
  const ready = useReady(live);
  useEffect(() => queue.begin(ready), [queue, ready]);
  useEffect(() => {
    if (!live.paused) draw(undefined);
  }, [live.paused]);
  useEffect(() => onLive(live), [live]);
  // Only what was applied and is on the screen now counts as drawn.
  const markDrawn = () => {
    const update = queue.takeApplied();
    if (update && !live.paused) live.markDrawn(update);
  };
  return { live, tick, failure, loaded, markDrawn };
}

class UpdateQueue {
  /** @type {() => void} */
  onChange = () => {};
  /** @type {() => void} */
  onLoaded = () => {};
  /** @type {(error: any) => void} */
  onError = () => {};
  /** @type {{update: any, known: boolean}[]} */
  #waiting = [];
  /** @type {any} */
  #applied = null;
  /** @type {"begin" | "gap" | "reset" | ""} */
  #load = "";
  /** @type {import("./use-ready.js").Ready} */
  #begun = 0;
  #running = false;
  #closed = false;

  /** @param {Model} model */
  constructor(model) {
    this.model = model;
  }

  /** Load the model, and again once the stream responds. @param {import("./use-ready.js").Ready} ready */
  begin(ready) {
    if (ready <= this.#begun) return;
    this.#begun = ready;
    this.load("begin");
  }

  /** @param {"begin" | "gap" | "reset"} reason */
  load(reason) {
    this.#load = reason;
    this.#run();
  }

  /** @param {any} update */
  push(update) {
    this.#waiting.push({ update, known: false });
    this.#run();
  }

  takeApplied() {
    const update = this.#applied;
    this.#applied = null;
    return update;
  }

  close() {
    this.#closed = true;
    this.#waiting = [];
  }

  async #run() {
    if (this.#running || !this.#begun) return;
    this.#running = true;
    while (!this.#closed && (this.#load || this.#waiting.length)) {
      const reason = this.#load;
      this.#load = "";
      const { update = null, known = false } = (!reason && this.#waiting.shift()) || {};
      // A write is stored before it is announced.
      const received = reason ? this.#waiting.length : 0;
      try {
        if (!reason) await this.model.apply(update, await update.data(this.model.decoding), known);
        else if ((await this.model.load(reason)) !== false) for (const item of this.#waiting.slice(0, received)) item.known = true;
        this.onError(null);
      } catch (error) {
        this.onError(error);
      }
      if (reason) this.onLoaded();
      else this.#applied = update;
      this.onChange();
    }
    this.#running = false;
  }
}
