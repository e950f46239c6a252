// @ts-check
/** The clock of the server, as far as it is known from responses that have its time. No I/O. */

const SAMPLES = 8;

/**
 * An estimate of how far the clock of this machine is off. A response was on its way for at most the
 * round trip, so that the error is at most half of that: of the newest samples, the one with the
 * shortest round trip counts.
 */
export class ServerClock {
  /** @type {{roundTrip: number, offset: number}[]} */
  #samples = [];

  /**
   * Milliseconds that the server's clock is ahead of this machine's; null if it is not known.
   * @returns {number | null}
   */
  get offset() {
    if (!this.#samples.length) return null;
    return this.#samples.reduce((best, one) => (one.roundTrip < best.roundTrip ? one : best)).offset;
  }

  /**
   * Add a response.
   * @param {number} time The time in it, in milliseconds since 1970.
   * @param {number} roundTrip Milliseconds from the request to the response.
   * @param {number} [now] The time at which it was received, by this machine's clock.
   */
  add(time, roundTrip, now = Date.now()) {
    if (!Number.isFinite(time)) return;
    this.#samples.push({ roundTrip, offset: time + roundTrip / 2 - now });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
  }
}
