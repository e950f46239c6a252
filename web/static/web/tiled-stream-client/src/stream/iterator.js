// @ts-check
/** Iterate over updates: `for await (const update of node.updates())`. */

/** @import { CloseEvent, SubscribeOptions } from "../types.js" */
/** @import { Subscription } from "./subscription.js" */
/** @import { Update } from "./update.js" */

/** @typedef {{update: Update, taken: () => void}} Waiting */

/**
 * The updates of a subscription. It starts with the first `next()`. An update is handed over when the
 * one before it was; what arrives meanwhile waits in the subscription, which has a bounded buffer.
 * @implements {AsyncIterableIterator<Update>}
 */
export class UpdateIterator {
  /**
   * @param {(options: SubscribeOptions) => Subscription} subscribe
   * @param {Omit<SubscribeOptions, "onUpdate">} options
   */
  constructor(subscribe, options) {
    this._subscribe = subscribe;
    this._options = options;
    /** The subscription, once it was started.
     * @type {Subscription | null} */
    this.subscription = null;
    /** @type {Waiting | null} */
    this._waiting = null;
    /** @type {CloseEvent | null} */
    this._closed = null;
    /** @type {{resolve: (result: IteratorResult<Update, undefined>) => void,
     *   reject: (error: unknown) => void}[]} */
    this._readers = [];
    this._done = false;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  /** @returns {Promise<IteratorResult<Update, undefined>>} */
  next() {
    return new Promise((resolve, reject) => {
      this._readers.push({ resolve, reject });
      this._start();
      this._serve();
    });
  }

  /** @returns {Promise<IteratorResult<Update, undefined>>} */
  async return() {
    this._done = true;
    this._waiting = null;
    this.subscription?.close();
    this._serve();
    return { done: true, value: undefined };
  }

  _start() {
    if (this.subscription || this._done) return;
    const { onClose } = this._options;
    this.subscription = this._subscribe({
      ...this._options,
      onUpdate: (update) =>
        new Promise((resolve) => {
          this._waiting = { update, taken: () => resolve(undefined) };
          this._serve();
        }),
      onClose: (event) => {
        this._closed = event;
        this._serve();
        return onClose?.(event);
      },
    });
  }

  _serve() {
    while (this._readers.length && (this._waiting || this._closed || this._done)) {
      const reader = this._readers.splice(0, 1)[0];
      if (this._waiting) {
        const { update, taken } = this._waiting;
        this._waiting = null;
        reader.resolve({ done: false, value: update });
        taken();
      } else {
        this._finish(reader);
      }
    }
  }

  /** @param {(typeof this._readers)[0]} reader */
  _finish({ resolve, reject }) {
    const aborted = this._options.signal?.aborted;
    // An error is thrown once; afterwards the iterator is done.
    const error = aborted ? this._options.signal?.reason : this._closed?.error;
    if (!error || this._done) resolve({ done: true, value: undefined });
    else reject(error);
    this._done = true;
  }
}
