// @ts-check
// The most recent updates, bounded in bytes, so that stepping back needs no request.

export class RecentUpdates {
  /** @type {any[]} ordered by sequence */
  #updates = [];
  #bytes = 0;
  #limit;

  /** @param {number} limit  in bytes */
  constructor(limit) {
    this.#limit = limit;
  }

  /** @param {any} update */
  add(update) {
    const last = this.#updates.at(-1);
    if (last && last.epoch !== update.epoch) this.clear();
    this.#updates.push(update);
    this.#bytes += sizeOf(update);
    while (this.#updates.length > 1 && this.#bytes > this.#limit) {
      this.#bytes -= sizeOf(this.#updates.shift());
    }
  }

  /** @param {number} sequence */
  get(sequence) {
    return this.#updates.find((update) => update.sequence === sequence) ?? null;
  }

  clear() {
    this.#updates = [];
    this.#bytes = 0;
  }
}

/** @param {any} update */
function sizeOf(update) {
  return 256 + (update.payload?.byteLength ?? 0);
}
