// @ts-check
/** Hand events to callbacks, in order, and no faster than these take them. */

/**
 * @template {{kind: string}} Event
 * @typedef {object} DeliveryOptions
 * @property {(event: Event) => unknown} handle Called with each event; while a promise that it returned
 *   is pending, what follows waits.
 * @property {(queued: Event[], event: Event) => boolean} [merge] Merge an event into those that wait;
 *   returns whether it did.
 * @property {(event: Event) => unknown} [onHandled] Called after the promise of `handle`.
 * @property {(error: unknown) => void} onError Called with what `handle` threw.
 * @property {number} limit Bytes that may wait.
 * @property {() => void} onFull
 * @property {() => void} onDrained
 */

/**
 * A queue in front of callbacks.
 * @template {{kind: string, size: number}} Event
 */
export class Delivery {
  /** @param {DeliveryOptions<Event>} options */
  constructor(options) {
    this._options = options;
    /** @type {Event[]} */
    this._queue = [];
    this._bytes = 0;
    this._busy = false;
    this._full = false;
  }

  /**
   * Deliver an event: at once if nothing waits.
   * @param {Event} event
   */
  push(event) {
    if (!this._busy && this._queue.length === 0) {
      this._run(event);
      return;
    }
    const { merge, limit, onFull } = this._options;
    if (merge?.(this._queue, event)) {
      this._bytes = this._queue.reduce((bytes, { size }) => bytes + size, 0);
      return;
    }
    this._queue.push(event);
    this._bytes += event.size;
    if (this._bytes > limit && !this._full) {
      this._full = true;
      onFull();
    }
  }

  /** Drop what waits. */
  clear() {
    this._queue = [];
    this._bytes = 0;
  }

  /** @param {Event} event */
  _run(event) {
    const { handle, onHandled, onError } = this._options;
    let result;
    try {
      result = /** @type {any} */ (handle(event));
    } catch (error) {
      onError(error);
    }
    if (typeof result?.then !== "function") {
      onHandled?.(event);
      return;
    }
    this._busy = true;
    const done = () => {
      this._busy = false;
      onHandled?.(event);
      this._drain();
    };
    result.then(done, (/** @type {unknown} */ error) => {
      onError(error);
      done();
    });
  }

  _drain() {
    while (this._queue.length && !this._busy) {
      const event = /** @type {Event} */ (this._queue.shift());
      this._bytes -= event.size;
      this._run(event);
    }
    if (this._full && this._bytes <= this._options.limit / 2) {
      this._full = false;
      this._options.onDrained();
    }
  }
}
