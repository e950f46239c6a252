// @ts-check
/** Delays between attempts. */

/** Delays that double from `base` up to `cap` seconds, with up to half of it subtracted at random. */
export class Backoff {
  constructor(base = 0.1, cap = 5) {
    this._base = base;
    this._cap = cap;
    this._attempts = 0;
  }

  /**
   * Return the milliseconds to wait before the next attempt.
   * @param {number} [atLeast] A lower bound in seconds, as from a `Retry-After` header.
   */
  next(atLeast = 0) {
    const ceiling = Math.min(this._cap, this._base * 2 ** Math.min(this._attempts, 30));
    this._attempts += 1;
    return 1000 * Math.max(ceiling * (0.5 + Math.random() / 2), atLeast);
  }

  /** Start again with the shortest delay. */
  reset() {
    this._attempts = 0;
  }
}

/**
 * Wait; throws the signal's reason if it is aborted meanwhile.
 * @param {number} milliseconds
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<void>}
 */
export function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
