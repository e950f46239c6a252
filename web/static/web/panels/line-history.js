// @ts-check
// A one-dimensional array as it was after an update, from the updates that its stream retains.
import { useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { replay } from "../app/live/replay.js";
import { lineAt } from "./line-at.js";
import { numbersOf, placeOf } from "./numbers.js";

/** @typedef {import("../plots/decimate.js").Numbers} Numbers */
/** @typedef {import("./line-model.js").LineModel} LineModel */
/** @typedef {import("./line-at.js").Write} Write */

/**
 * Return the contents after the update that a user has stepped to; null for the newest ones.
 * @param {any} node
 * @param {any} live
 * @param {LineModel} model
 * @param {string} part
 */
export function useLineHistory(node, live, model, part) {
  const [shown, setShown] = useState(/** @type {any} */ (null));
  const writes = useMemo(() => new Writes(node, part), [node, part, live.resets]);
  const update = useSteppedUpdate(live);
  const { head } = live;
  useEffect(() => {
    const abort = new AbortController();
    const show = (/** @type {Numbers} */ values) => !abort.signal.aborted && setShown({ values, sequence: update.sequence });
    if (!update) setShown(null);
    else if (placeOf(update, model.structure.chunks?.[0]) === null) {
      update.data().then((/** @type {any} */ array) => array && show(numbersOf(array, part)), () => {});
    } else if (!model.x) {
      writes.upTo(head, model, abort.signal).then((/** @type {Write[]} */ found) => show(lineAt(found, update.sequence, model.y.values)), () => {});
    }
    return () => abort.abort();
  }, [update, writes, model, part]);
  return update && shown?.sequence === update.sequence ? shown : null;
}

/**
 * Return the update that a user has stepped to, or null while the newest or the one at the pause is shown.
 * @param {any} live
 * @returns {any}
 */
export function useSteppedUpdate(live) {
  const held = useRef(/** @type {any} */ (null));
  const stepped = useRef(false);
  if (!live.paused) {
    held.current = live.update;
    stepped.current = false;
  } else if (live.update !== held.current) stepped.current = true;
  return stepped.current ? live.update : null;
}

/** The writes that a stream retains, read when they are needed. */
class Writes {
  /** @type {Write[]} */
  #found = [];
  #stop = 0;

  /**
   * @param {any} node
   * @param {string} part
   */
  constructor(node, part) {
    this.node = node;
    this.part = part;
  }

  /**
   * Return all writes up to a number.
   * @param {number} stop
   * @param {LineModel} model
   * @param {AbortSignal} signal
   */
  async upTo(stop, model, signal) {
    /** @type {any[]} */
    const updates = await replay(this.node, { start: this.#stop + 1, stop }, signal);
    const found = await Promise.all(
      updates.map(async (/** @type {any} */ update) => {
        const values = numbersOf(await update.data(), this.part);
        return { sequence: update.sequence, start: placeOf(update, model.structure.chunks?.[0]), values };
      }),
    );
    if (!signal.aborted && stop > this.#stop) {
      this.#found = [...this.#found, ...found];
      this.#stop = stop;
    }
    return this.#found;
  }
}
