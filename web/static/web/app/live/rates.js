// @ts-check
// The rate of recent events.

const WINDOW_MS = 3000;
const MIN_SPAN_MS = 1000;

export class Rate {
  /** @type {number[]} times of the events in the window, the oldest first */
  #times = [];

  /** @param {number} [now] */
  mark(now = performance.now()) {
    this.#times.push(now);
    this.#forget(now);
  }

  /**
   * Return the events per second over the window.
   * @param {number} [now]
   */
  value(now = performance.now()) {
    this.#forget(now);
    if (!this.#times.length) return 0;
    // While the window fills, count from the first event; a minimum keeps a burst from a huge rate.
    const span = Math.max(now - this.#times[0], MIN_SPAN_MS);
    return (1000 * this.#times.length) / span;
  }

  /** @param {number} now */
  #forget(now) {
    let old = 0;
    while (old < this.#times.length && this.#times[old] < now - WINDOW_MS) old += 1;
    if (old) this.#times.splice(0, old);
  }
}
