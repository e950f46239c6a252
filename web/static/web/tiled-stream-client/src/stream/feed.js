// @ts-check
/**
 * The stream of one node across connections. No I/O.
 *
 * Each connection begins with a schema; then updates, gaps, resets and heartbeats are received:
 *
 * | message   | effect                                                                              |
 * | --------- | ----------------------------------------------------------------------------------- |
 * | schema    | sets the epoch; a reset if the numbering restarted since the last connection        |
 * | update    | an event if it is new by its epoch and number, dropped if it is a repetition        |
 * | gap       | a gap of the numbers that were not received; counted as `missed` of the next update |
 * | reset     | a reset, unless the schema had announced the same epoch                             |
 * | heartbeat | `StreamLost` if it proves that updates are missing, so that they are requested      |
 *
 * Invariants: within an epoch numbers only rise, each is an update or in a gap once, and an epoch is
 * announced by one reset before its first update.
 */

import { InvalidResponse, StreamLost } from "../errors.js";
import { parseTime } from "./times.js";

/** @import { GapEvent, HeartbeatEvent, ResetEvent, SchemaEvent } from "../types.js" */
/** @import { Position } from "./position.js" */

/** @typedef {Record<string, any> & {type: string}} Message */

/**
 * @typedef {{kind: "schema", event: SchemaEvent, last: number | null} | {kind: "gap", event: GapEvent}
 *   | {kind: "reset", event: ResetEvent} | {kind: "heartbeat", event: HeartbeatEvent}
 *   | {kind: "update", message: Message, missed: number, schema: SchemaEvent}} FeedEvent
 */

/** The stream of a node as a subscription receives it: each update once, and what is missing. */
export class NodeFeed {
  /**
   * @param {string} path
   * @param {Position} position
   * @param {{lossy?: boolean, fromNow?: boolean}} [options] `lossy`: the server need not send every
   *   update at once. `fromNow`: updates from before the subscription are not wanted, though the
   *   position does not say so.
   */
  constructor(path, position, { lossy = false, fromNow = false } = {}) {
    this.path = path;
    this.position = position;
    this.fromNow = fromNow;
    /** A time of the server's clock up to which no update can be missing.
     * @type {number | null} */
    this.completeAt = null;
    /** Counts new events. */
    this.eventCount = 0;
    this._lossy = lossy;
    /** @type {SchemaEvent | null} */
    this._schema = null;
    /** The highest number on the server when the first schema was received.
     * @type {number | null} */
    this._base = null;
    this._missed = 0;
    /** The epoch of the last reset, until something of it is received.
     * @type {string | null | undefined} */
    this._announced = undefined;
    /** The last heartbeat's number, and the event count at that time.
     * @type {{sequence: number, eventCount: number} | null} */
    this._heartbeat = null;
    /** The position after which missing updates were requested.
     * @type {number | null} */
    this._requestedAfter = null;
  }

  /** Begin a connection: a schema is expected first. */
  onConnected() {
    this._schema = null;
    this._heartbeat = null;
  }

  /**
   * Turn a message into events. Throws what makes this connection useless.
   * @param {Message} message
   * @returns {FeedEvent[]}
   */
  receive(message) {
    if (!this._schema) return this._onSchema(message);
    switch (message.type) {
      case "heartbeat":
        return this._onHeartbeat(message);
      case "gap":
        return this._onGap(message);
      case "reset":
        return this._onReset(message);
      default:
        return "sequence" in message ? this._onUpdate(message, this._schema) : [];
    }
  }

  /** Mark updates from before the subscription as received, if they are not wanted. */
  skipBacklog() {
    if (this.fromNow && this.position.last === null) this.position.last = this._base;
    return this.position.last;
  }

  /**
   * @param {Message} message
   * @returns {FeedEvent[]}
   */
  _onSchema(message) {
    if (!message.type.endsWith("-schema")) {
      throw new InvalidResponse(`The stream begins with ${message.type} instead of a schema.`);
    }
    const { epoch = null, sequence = null, end = null } = message;
    const schema = {
      type: message.type,
      path: this.path,
      epoch,
      sequence,
      dataType: message.data_type ?? null,
      form: message.form ?? null,
      arrowSchema: message.arrow_schema ?? null,
      message,
    };
    this._schema = schema;
    const previous = this.position.epoch;
    const restarted = this.position.onSchema(epoch, sequence, end);
    if (this._base === null || restarted) this._base = sequence;
    const resets = restarted ? [this._announce(epoch, previous, sequence)] : [];
    const { last } = this.position;
    return [{ kind: "schema", event: schema, last }, ...resets];
  }

  /**
   * @param {Message} message
   * @param {SchemaEvent} schema
   * @returns {FeedEvent[]}
   */
  _onUpdate(message, schema) {
    const events = this._enterEpoch(message.epoch ?? null);
    if (!this.position.accept(message.sequence)) return events;
    this.eventCount += 1;
    this._announced = undefined;
    this.completeAt = parseTime(message.timestamp);
    const missed = this._missed;
    this._missed = 0;
    return [...events, { kind: "update", message, missed, schema }];
  }

  /**
   * @param {Message} message
   * @returns {FeedEvent[]}
   */
  _onGap(message) {
    const events = this._enterEpoch(message.epoch ?? null);
    const skipped = this.position.skip(message.from, message.to);
    if (!skipped) return events;
    const [from, to] = skipped;
    this.eventCount += 1;
    this._missed += to - from + 1;
    const { epoch } = this.position;
    const { reason = "unknown", uri = null } = message;
    const event = { path: this.path, epoch, from, to, count: to - from + 1, reason, uri };
    return [...events, { kind: "gap", event }];
  }

  /**
   * @param {Message} message
   * @returns {FeedEvent[]}
   */
  _onReset(message) {
    const { epoch = null, sequence = null } = message;
    // The schema's epoch may have announced it.
    if (this._announced !== undefined && this._announced === epoch) return [];
    const previous = message.previous ?? this.position.epoch;
    this.position.restart(epoch);
    return [this._announce(epoch, previous, sequence)];
  }

  /**
   * @param {string | null} epoch
   * @returns {FeedEvent[]}
   */
  _enterEpoch(epoch) {
    const previous = this.position.epoch;
    return this.position.setEpoch(epoch) ? [this._announce(epoch, previous, null)] : [];
  }

  /**
   * @param {string | null} epoch
   * @param {string | null} previous
   * @param {number | null} sequence
   * @returns {FeedEvent}
   */
  _announce(epoch, previous, sequence) {
    this.eventCount += 1;
    this._announced = epoch;
    this._missed = 0;
    this._heartbeat = null;
    return { kind: "reset", event: { path: this.path, epoch, previous, sequence } };
  }

  /**
   * Record a heartbeat. Throws StreamLost if it shows that updates are missing.
   * @param {Message} message
   * @returns {FeedEvent[]}
   */
  _onHeartbeat(message) {
    const sequence = message.sequence ?? 0;
    const epoch = message.epoch ?? null;
    const timestamp = parseTime(message.timestamp);
    const before = this._heartbeat;
    this._heartbeat = { sequence, eventCount: this.eventCount };
    let { last } = this.position;
    const known = this.position.epoch;
    if (known !== null && epoch !== null && known !== epoch) {
      throw new StreamLost("The numbering of the stream restarted without a reset message.");
    }
    if (last === null && before && this._base === sequence) last = this.skipBacklog();
    if (last !== null && last >= sequence) this.completeAt = timestamp;
    else if (last !== null && before && this._silentSince(before, last)) this._request(last);
    return [{ kind: "heartbeat", event: { path: this.path, epoch, sequence, timestamp } }];
  }

  /**
   * Return whether nothing was received since a heartbeat that was ahead of `last`. One heartbeat ahead
   * proves nothing: the updates may be on their way behind it.
   * @param {{sequence: number, eventCount: number}} before
   * @param {number} last
   */
  _silentSince(before, last) {
    return before.eventCount === this.eventCount && before.sequence > last;
  }

  /** @param {number} last */
  _request(last) {
    // With a filter or a rate the server may have nothing to send for long; and updates that were
    // requested once, and did not arrive, are not for this subscriber.
    if (this._lossy || this._requestedAfter === last) return;
    this._requestedAfter = last;
    throw new StreamLost(`The updates after ${last} were not received.`);
  }
}
