// @ts-check
/**
 * One subscription, across connections.
 *
 * | state    | meaning                                                                        |
 * | -------- | ------------------------------------------------------------------------------ |
 * | followed | its connection subscribes to it, and again after a loss                        |
 * | paused   | by `pause()`, or as the buffer is full: the server keeps what comes meanwhile  |
 * | closed   | `onClose` was called, or waits behind the last updates; nothing more is received |
 */

import { NodeDeleted, Unauthorized } from "../errors.js";
import { sliceText } from "../slices.js";
import { Delivery } from "./delivery.js";
import { Feeds } from "./feeds.js";
import { mergeLatest } from "./merge.js";
import { startParams } from "./position.js";
import { Update } from "./update.js";

/** @import { Http } from "../http.js" */
/** @import { TiledError } from "../errors.js" */
/** @import { CloseEvent, StreamPosition, SubscribeOptions } from "../types.js" */
/** @import { Connection } from "./connection.js" */
/** @import { FeedEvent, Message } from "./feed.js" */

/**
 * `updates` received under the `id` are to be acknowledged when the event was handled.
 * @typedef {(FeedEvent | {kind: "nodeClosed", event: CloseEvent}
 *   | {kind: "closed", event: CloseEvent}) & {size: number, id?: string, updates?: number}} QueuedEvent
 */

const BUFFER_BYTES = 64 * 2 ** 20;
/** With policy `latest`: how many updates may be on their way. More are more often old when handled. */
const MAX_UNACKNOWLEDGED = 2;
/** The server closes connections that send longer messages. */
const LONGEST_MESSAGE = 8000;
/** Messages whose `sequence` is the highest number of the stream. */
const NOTICES = ["reset", "heartbeat"];
/** Parameters with which the newest update is always sent. */
const COMPLETE = ["policy", "max_unacknowledged", "accept_encoding"];
/** Those that `data/decompression.js` decodes. */
const ENCODINGS = ["lz4", "bitshuffle-lz4"];

/** A subscription to the updates of a node. */
export class Subscription {
  /**
   * @param {Connection} connection
   * @param {Http} http
   * @param {readonly string[]} keys
   * @param {SubscribeOptions} options
   */
  constructor(connection, http, keys, options) {
    this.path = keys.join("/");
    this._connection = connection;
    this._http = http;
    this._options = options;
    this._params = filterParams(options);
    this.recursive = options.recursive ?? false;
    const lossy = Object.keys(this._params).some((name) => !COMPLETE.includes(name));
    this._feeds = new Feeds(this.path, startParams(options), { recursive: this.recursive, lossy });
    /** Why it is paused.
     * @type {Set<"caller" | "buffer">} */
    this._pauses = new Set();
    /** Whether the server awaits acknowledgements. */
    this._acknowledges = false;
    /** True after its end, or `close()`. */
    this.closed = false;
    /** @type {StreamPosition} */
    this._position = { epoch: options.epoch ?? null, sequence: null };
    /** @type {Delivery<QueuedEvent>} */
    this._delivery = new Delivery({
      handle: (event) => this._handle(event),
      merge: options.policy === "latest" ? mergeLatest : undefined,
      onHandled: ({ id, updates }) => updates && connection.acknowledge(id ?? "", updates),
      onError: (error) => this.reportError(error),
      limit: options.bufferBytes ?? BUFFER_BYTES,
      onFull: () => this._pause("buffer"),
      onDrained: () => this._resume("buffer"),
    });
    if (JSON.stringify(this.toMessage("")).length > LONGEST_MESSAGE) {
      throw new RangeError(`A subscription's options must be below ${LONGEST_MESSAGE} characters.`);
    }
    this._abort = () => this.close();
    if (options.signal?.aborted) queueMicrotask(this._abort);
    else options.signal?.addEventListener("abort", this._abort, { once: true });
    connection.add(this);
  }

  /**
   * The last update that was delivered. To continue after it with another subscription, pass
   * `{start: sequence + 1, epoch}`.
   * @returns {StreamPosition}
   */
  get position() {
    return { ...this._position };
  }

  /** True while no updates are requested. */
  get paused() {
    return this._pauses.size > 0;
  }

  /** Count of new events received. */
  get eventCount() {
    return this._feeds.eventCount;
  }

  /** Stop to request updates. After `resume()`, those that are retained follow, or a gap. */
  pause() {
    this._pause("caller");
  }

  /** Continue after `pause()`. */
  resume() {
    this._resume("caller");
  }

  /** End the subscription; updates that wait are dropped. */
  close() {
    this.end(null, { reason: "Closed by the subscriber" });
  }

  /**
   * Return the message that subscribes.
   * @param {string} id
   */
  toMessage(id) {
    return { type: "subscribe", id, path: this.path, ...this._params, ...this._feeds.toParams() };
  }

  /** Begin a connection; called by the connection. */
  onConnected() {
    this._feeds.onConnected();
  }

  /**
   * Take a message of the server; called by the connection. Throws what makes that useless.
   * @param {string} path
   * @param {Message} message
   * @param {number} size
   * @param {string} id
   */
  receive(path, message, size, id) {
    let updates = this._acknowledges && isUpdate(message) ? 1 : 0;
    for (const event of this._feeds.receive(path, message)) {
      if (this.closed) return;
      if (event.kind === "schema") {
        this._acknowledges = event.event.message.max_unacknowledged > 0;
      }
      if (event.kind === "update") {
        this._delivery.push({ ...event, size, id, updates });
        updates = 0;
      } else {
        this._delivery.push({ ...event, size: 0 });
      }
    }
    // A repetition, of which nothing is delivered.
    if (updates) this._connection.acknowledge(id, updates);
  }

  /**
   * Take the end of a node's stream, and with it that of the subscription unless it is recursive; called
   * by the connection.
   * @param {string} path
   * @param {number} code
   * @param {string} reason
   * @param {TiledError | null} error
   */
  closeNode(path, code, reason, error) {
    const gone = error instanceof NodeDeleted || error instanceof Unauthorized;
    // Below a node that is gone there is nothing left either.
    if (this.recursive && !(path === this.path && gone)) {
      if (error) this._feeds.remove(path);
      const event = { path, ended: !error, code, reason, error };
      this._delivery.push({ kind: "nodeClosed", event, size: 0 });
      return;
    }
    this.end(error, { ended: !error, code, reason, afterQueue: true });
  }

  /**
   * End the subscription; called by the connection when it is rejected or cannot continue.
   * @param {TiledError | null} error
   * @param {{ended?: boolean, code?: number | null, reason?: string, afterQueue?: boolean}} [how]
   */
  end(error, { ended = false, code = error?.status ?? null, reason, afterQueue = false } = {}) {
    if (this.closed) {
      // The end may wait behind updates that the subscriber does not want any more.
      if (!error) this._delivery.clear();
      if (!error && this._closing) this._deliverClose(this._closing);
      return;
    }
    this.closed = true;
    this._connection.remove(this);
    this._options.signal?.removeEventListener("abort", this._abort);
    const event = { path: this.path, ended, code, reason: reason ?? error?.detail ?? "", error };
    this._closing = event;
    if (afterQueue || error) {
      this._delivery.push({ kind: "closed", event, size: 0 });
    } else {
      this._delivery.clear();
      this._deliverClose(event);
    }
  }

  /**
   * Report an error that the subscription survives.
   * @param {unknown} error
   */
  reportError(error) {
    const { onError } = this._options;
    if (onError) onError(error);
    // Not to hide it: it becomes an uncaught error, as one that is thrown in a listener.
    else if (!(error instanceof Error && "retryAfter" in error)) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  /** @param {QueuedEvent} queued */
  _handle(queued) {
    const options = this._options;
    if (this.closed && queued.kind !== "closed" && !this._closing) return undefined;
    switch (queued.kind) {
      case "schema":
        if (queued.event.path === this.path) this._setPosition(queued.event.epoch, queued.last);
        return options.onSchema?.(queued.event);
      case "update": {
        const { message, schema, missed } = queued;
        const update = new Update(this._http, schema.path, message, schema, missed);
        if (update.path === this.path) this._setPosition(update.epoch, update.sequence);
        return options.onUpdate?.(update);
      }
      case "gap":
        if (queued.event.path === this.path) this._setPosition(queued.event.epoch, queued.event.to);
        return options.onGap?.(queued.event);
      case "reset":
        if (queued.event.path === this.path) {
          this._position = { epoch: queued.event.epoch, sequence: null };
        }
        return options.onReset?.(queued.event);
      case "heartbeat":
        return options.onHeartbeat?.(queued.event);
      case "nodeClosed":
        return options.onNodeClose?.(queued.event);
      case "closed":
        this._deliverClose(queued.event);
        return undefined;
    }
  }

  /** @param {CloseEvent} event */
  _deliverClose(event) {
    this._closing = null;
    try {
      this._options.onClose?.(event);
    } catch (error) {
      this.reportError(error);
    }
  }

  /** @type {CloseEvent | null} */
  _closing = null;

  /**
   * @param {string | null} epoch
   * @param {number | null} sequence
   */
  _setPosition(epoch, sequence) {
    this._position = {
      epoch: epoch ?? this._position.epoch,
      sequence: sequence ?? this._position.sequence,
    };
  }

  /** @param {"caller" | "buffer"} why */
  _pause(why) {
    const before = this.paused;
    this._pauses.add(why);
    if (!before && !this.closed) this._connection.suspend(this);
  }

  /** @param {"caller" | "buffer"} why */
  _resume(why) {
    if (!this._pauses.delete(why) || this.paused || this.closed) return;
    this._feeds.onConnected();
    this._connection.follow(this);
  }
}

/**
 * Return whether a message is an update, and not a schema or a notice.
 * @param {Message} message
 */
function isUpdate({ type, sequence }) {
  return sequence !== undefined && !type.endsWith("-schema") && !NOTICES.includes(type);
}

/**
 * Return what of each update is requested, as parameters of a request.
 * @param {SubscribeOptions} options
 * @returns {Record<string, unknown>}
 */
function filterParams(options) {
  const { policy, maxRate, slice, reduce, roi, columns, recursive, acceptEncoding } = options;
  if (policy && policy !== "block" && policy !== "latest") {
    throw new RangeError(`policy must be 'block' or 'latest', not '${policy}'.`);
  }
  const unknown = acceptEncoding?.find((name) => !ENCODINGS.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(`acceptEncoding may have ${ENCODINGS.join(", ")}, not '${unknown}'.`);
  }
  const limited = policy === "latest" && !recursive;
  const all = {
    policy,
    max_rate: maxRate,
    max_unacknowledged: options.maxUnacknowledged ?? (limited ? MAX_UNACKNOWLEDGED : null),
    slice: sliceText(slice),
    reduce,
    roi,
    columns,
    accept_encoding: acceptEncoding?.join(","),
  };
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== null && value !== undefined),
  );
}
