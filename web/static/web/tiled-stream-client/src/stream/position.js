// @ts-check
/** The position of a subscription in its stream. No I/O. */

/** @import { StreamOptions } from "../types.js" */

/**
 * Return where to start as parameters of a request.
 * @param {Pick<StreamOptions, "start" | "startTime" | "epoch">} options
 */
export function startParams({ start, startTime, epoch }) {
  const given = start !== null && start !== undefined && start !== "next";
  if (given && startTime) throw new TypeError("Give start or startTime, not both.");
  if (given && start !== "latest" && !(Number.isSafeInteger(start) && Number(start) >= 0)) {
    throw new RangeError(
      `start must be 0 (the oldest retained), a sequence number, latest or next, not ${start}.`,
    );
  }
  /** @type {Record<string, unknown>} */
  const params = {};
  if (given) params.start = start;
  if (startTime) params.start_time = new Date(startTime).toISOString();
  if (epoch) params.epoch = epoch;
  return params;
}

/**
 * The last update received, as epoch and sequence number. Within an epoch numbers only rise: one that is
 * not above the last is a repetition.
 */
export class Position {
  /** @param {Record<string, unknown>} start The parameters of the first request. */
  constructor(start = {}) {
    const { epoch, ...rest } = start;
    this._start = rest;
    /** @type {string | null} */
    this.epoch = /** @type {string | undefined} */ (epoch) ?? null;
    /** @type {number | null} */
    this.last = null;
    /** How often the stream was closed after `last`, as far as the subscriber need not know.
     * @type {number | null} */
    this._knownEnds = null;
  }

  /** True if only updates from now on are wanted. */
  get fromNow() {
    return Object.keys(this._start).length === 0;
  }

  /**
   * Return the parameters of a request to start, or to resume.
   * @returns {Record<string, unknown>}
   */
  toParams() {
    const params = this.last === null ? { ...this._start } : { start: this.last + 1 };
    return {
      ...params,
      ...(this.epoch === null ? {} : { epoch: this.epoch }),
      ...(this._knownEnds ? { end: this._knownEnds } : {}),
    };
  }

  /**
   * Record a schema; return whether the numbering restarted.
   * @param {string | null} epoch
   * @param {number | null} sequence The number of the last update so far.
   * @param {number | null} ends How often the stream was closed since: a subscription to new updates can
   *   resume before it received any.
   */
  onSchema(epoch, sequence, ends) {
    const restarted = this.setEpoch(epoch);
    if (this.fromNow && this.last === null && sequence !== null) {
      this.last = sequence;
      this._knownEnds = ends;
    }
    return restarted;
  }

  /**
   * Record the epoch that the server named; return whether the numbering restarted.
   * @param {string | null} epoch
   */
  setEpoch(epoch) {
    if (epoch === null || epoch === this.epoch) return false;
    const restarted = this.epoch !== null;
    if (restarted) this.restart(epoch);
    this.epoch = epoch;
    return restarted;
  }

  /**
   * Go to the beginning of an epoch: all that it holds is new.
   * @param {string | null} epoch
   */
  restart(epoch) {
    this.epoch = epoch;
    this._start = { start: 0 };
    this.last = null;
    this._knownEnds = null;
  }

  /**
   * Return whether an update is new; if so, it becomes the last one.
   * @param {number} sequence
   */
  accept(sequence) {
    if (this.last !== null && sequence <= this.last) return false;
    this.last = sequence;
    this._knownEnds = null;
    return true;
  }

  /**
   * Skip missing updates; return the range of those not received before, if any.
   * @param {number} from
   * @param {number} to
   * @returns {[number, number] | null}
   */
  skip(from, to) {
    const first = Math.max(from, (this.last ?? 0) + 1);
    if (to < first) return null;
    this.last = to;
    this._knownEnds = null;
    return [first, to];
  }
}
