// @ts-check
/**
 * The connection of a client: one WebSocket for all subscriptions, opened with the first, and replaced
 * when it is lost.
 *
 * | state        | meaning                                              | next                         |
 * | ------------ | ---------------------------------------------------- | ---------------------------- |
 * | closed       | there are no subscriptions                           | connecting                   |
 * | connecting   | the first handshake is in progress                   | open, reconnecting           |
 * | open         | messages are received                                | reconnecting; closed         |
 * | reconnecting | waiting, or another handshake is in progress         | open; closed if it is final  |
 */

import { streamUrl } from "../address.js";
import {
  errorForClose,
  errorForStatus,
  InvalidResponse,
  isFinal,
  RequestRejected,
  StreamLost,
  TiledError,
  Unauthorized,
} from "../errors.js";
import { Backoff } from "../timing.js";
import { ServerClock } from "./clock.js";
import { Socket, webSocketClass } from "./socket.js";
import { parseTime } from "./times.js";

/** @import { Http } from "../http.js" */
/** @import { ClientOptions, ConnectionState } from "../types.js" */
/** @import { Message } from "./feed.js" */
/** @import { Subscription } from "./subscription.js" */

/** What this client understands besides updates. */
const FEATURES = ["gap", "reset", "heartbeat", "child-deleted", "table-ref"];
/** The loss of a connection that was open for this many milliseconds starts a new series of attempts. */
const STABLE_AFTER = 10_000;
/** How long the socket stays open after the last subscription, in milliseconds. */
const LINGER = 1000;
/** How the ids of requests of the server's time begin. */
const CLOCK = "clock-";
/** How often the time is requested: at first, and then, in milliseconds. */
const CLOCK_FIRST = 500;
const CLOCK_LATER = 60_000;
/** Of the first kind, this many. */
const CLOCK_SAMPLES = 4;

/** One WebSocket for many subscriptions. */
export class Connection {
  /**
   * @param {Http} http
   * @param {ClientOptions} options
   */
  constructor(http, options) {
    this._http = http;
    this._options = options;
    /** @type {ConnectionState} */
    this.state = "closed";
    /** @type {Set<(state: ConnectionState) => void>} */
    this._listeners = new Set();
    /** @type {Set<Subscription>} */
    this._subscriptions = new Set();
    /** Subscriptions by the ids of the present connection.
     * @type {Map<string, Subscription>} */
    this._ids = new Map();
    this._nextId = 1;
    /** @type {Socket | null} */
    this._socket = null;
    this._running = false;
    /** @type {(() => void) | null} */
    this._wake = null;
    this._openedAt = 0;
    this.clock = new ServerClock();
    /** The last request of the time. */
    this._asked = { id: "", at: 0 };
  }

  /**
   * @param {(state: ConnectionState) => void} listener
   * @returns {() => void}
   */
  onState(listener) {
    this._listeners.add(listener);
    return () => this._listeners.delete(listener);
  }

  /**
   * Add a subscription; the first one opens the connection.
   * @param {Subscription} subscription
   */
  add(subscription) {
    clearTimeout(this._linger);
    this._subscriptions.add(subscription);
    this.follow(subscription);
    if (!this._running) void this._run();
  }

  /**
   * Remove a subscription; the last one closes the connection.
   * @param {Subscription} subscription
   */
  remove(subscription) {
    this.suspend(subscription);
    this._subscriptions.delete(subscription);
    if (this._subscriptions.size) return;
    this._wake?.();
    this._linger = setTimeout(() => {
      if (!this._subscriptions.size) this._socket?.close();
    }, LINGER);
  }

  /**
   * Request updates, if there is a connection; else this is done when there is one.
   * @param {Subscription} subscription
   */
  follow(subscription) {
    if (!this._socket?.opened || subscription.paused || subscription.closed) return;
    const id = String(this._nextId++);
    this._ids.set(id, subscription);
    this._socket.send(JSON.stringify(subscription.toMessage(id)));
  }

  /**
   * Request no more updates. What is on its way is ignored, as its id is not known any more.
   * @param {Subscription} subscription
   */
  suspend(subscription) {
    for (const [id, other] of this._ids) {
      if (other !== subscription) continue;
      this._ids.delete(id);
      if (this._socket?.opened) this._socket.send(JSON.stringify({ type: "unsubscribe", id }));
    }
  }

  /** Close all subscriptions and the socket. */
  close() {
    for (const subscription of [...this._subscriptions]) subscription.close();
    clearTimeout(this._linger);
    this._socket?.close();
    this._wake?.();
  }

  async _run() {
    this._running = true;
    this._setState("connecting");
    try {
      const failure = await this._follow();
      for (const subscription of [...this._subscriptions]) subscription.end(failure);
    } finally {
      this._running = false;
      this._setState("closed");
    }
    if (this._subscriptions.size) void this._run();
  }

  /**
   * Connect until there is no subscription, or no point in it; return the error that ended it.
   * @returns {Promise<TiledError | null>}
   */
  async _follow() {
    const backoff = new Backoff();
    const { giveUpAfter = Infinity } = this._options;
    let since = Date.now();
    while (this._subscriptions.size) {
      const events = this._eventCount();
      const failure = await this._once();
      if (!failure || !this._subscriptions.size) continue;
      const progress = this._eventCount() !== events;
      if (progress || (this._openedAt && Date.now() - this._openedAt > STABLE_AFTER)) {
        backoff.reset();
        since = Date.now();
      }
      const renewed = failure instanceof Unauthorized && (await this._renew());
      if ((isFinal(failure) && !renewed) || Date.now() - since > 1000 * giveUpAfter) {
        return failure;
      }
      this._setState("reconnecting");
      for (const subscription of [...this._subscriptions]) subscription.reportError(failure);
      await this._pause(backoff.next(failure.retryAfter ?? 0));
    }
    return null;
  }

  /**
   * Receive over one socket. Return why it ended; null if it was meant to end.
   * @returns {Promise<TiledError | null>}
   */
  async _once() {
    this._openedAt = 0;
    try {
      const WebSocket = await webSocketClass(this._options.WebSocket);
      const auth = await this._http.credentials.message();
      if (!this._subscriptions.size) return null;
      const { connectTimeout = 15, idleBeforePing = 20 } = this._options;
      const socket = new Socket(streamUrl(this._http.root, FEATURES, auth !== null), {
        WebSocket,
        auth,
        onOpen: () => this._onOpen(),
        onFrame: (frame, size) => this._onFrame(frame, size),
        connectTimeout,
        idleBeforePing,
      });
      this._socket = socket;
      const failure = await socket.done;
      this._socket = null;
      clearTimeout(this._clockTimer);
      this._ids.clear();
      return failure && (socket.opened ? asTiledError(failure) : await this._diagnose(failure));
    } catch (error) {
      return asTiledError(error);
    }
  }

  /**
   * Return why a handshake failed, which a WebSocket does not tell: the HTTP API does.
   * @param {Error} failure
   * @returns {Promise<TiledError>}
   */
  async _diagnose(failure) {
    try {
      await this._http.json(this._http.url("metadata", [], { fields: "" }), {
        repeatable: false,
      });
    } catch (error) {
      if (error instanceof Unauthorized) return error;
    }
    return asTiledError(failure);
  }

  _onOpen() {
    this._openedAt = Date.now();
    this._setState("open");
    for (const subscription of this._subscriptions) {
      subscription.onConnected();
      this.follow(subscription);
    }
    this._requestTime(CLOCK_SAMPLES);
  }

  /**
   * Request the server's time, and again later.
   * @param {number} left How many times soon.
   */
  _requestTime(left) {
    if (!this._socket?.opened) return;
    this._asked = { id: `${CLOCK}${this._nextId++}`, at: performance.now() };
    this._socket.send(JSON.stringify({ type: "time", id: this._asked.id }));
    const delay = left > 1 ? CLOCK_FIRST : CLOCK_LATER;
    this._clockTimer = setTimeout(() => this._requestTime(left - 1), delay);
    // In Node a timer would keep the process running.
    /** @type {any} */ (this._clockTimer).unref?.();
  }

  /**
   * @param {any} frame
   * @param {number} size
   */
  _onFrame(frame, size) {
    if (!Array.isArray(frame) || typeof frame[2]?.type !== "string") {
      throw new StreamLost("A frame of the stream is not a list of an id, a path and a message.");
    }
    const [id, path, message] = /** @type {[string | null, string | null, Message]} */ (frame);
    if (id?.startsWith(CLOCK)) {
      if (message.type === "time" && id === this._asked.id) {
        this.clock.add(parseTime(message.timestamp), performance.now() - this._asked.at);
      }
      return;
    }
    const subscription = this._ids.get(id ?? "");
    // It was on its way when the subscription was removed, or it answers to a ping.
    if (!subscription) return;
    if (message.type === "error") this._onError(id, subscription, message);
    else if (message.type === "closed") this._onClosed(id, subscription, path ?? "", message);
    else subscription.receive(path ?? "", message, size, id ?? "");
  }

  /**
   * Tell the server that updates were processed, if they are of the present connection.
   * @param {string} id The id of the subscription when they were received.
   * @param {number} updates
   */
  acknowledge(id, updates) {
    if (!this._ids.has(id) || !this._socket?.opened) return;
    this._socket.send(JSON.stringify({ type: "ack", id, updates }));
  }

  /**
   * @param {string | null} id
   * @param {Subscription} subscription
   * @param {Message} message
   */
  _onError(id, subscription, message) {
    const error = errorForStatus(message.status ?? 400, String(message.detail));
    // A failure of the server (5xx) ends the connection: it may be over with the next.
    if (!(error instanceof RequestRejected)) throw error;
    // The id is free already.
    this._ids.delete(id ?? "");
    subscription.end(error);
  }

  /**
   * @param {string | null} id
   * @param {Subscription} subscription
   * @param {string} path
   * @param {Message} message
   */
  _onClosed(id, subscription, path, message) {
    const { code = 1011, reason = "" } = message;
    const error = errorForClose(code, reason);
    if (error && !isFinal(error)) throw error;
    // The id is free already, unless there are other nodes.
    if (!subscription.recursive) this._ids.delete(id ?? "");
    subscription.closeNode(path, code, reason, error);
  }

  _eventCount() {
    let count = 0;
    for (const subscription of this._subscriptions) count += subscription.eventCount;
    return count;
  }

  async _renew() {
    try {
      return await this._http.credentials.renew();
    } catch {
      return false;
    }
  }

  /**
   * Wait before the next attempt, but not for a network that is back.
   * @param {number} milliseconds
   * @returns {Promise<void>}
   */
  _pause(milliseconds) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        globalThis.removeEventListener?.("online", done);
        this._wake = null;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      globalThis.addEventListener?.("online", done);
      this._wake = done;
    });
  }

  /** @param {ConnectionState} state */
  _setState(state) {
    if (state === this.state) return;
    this.state = state;
    for (const listener of [...this._listeners]) listener(state);
  }
}

/**
 * @param {unknown} error
 * @returns {TiledError}
 */
function asTiledError(error) {
  if (error instanceof TiledError) return error;
  if (error instanceof TypeError && error.message.includes("WebSocket")) {
    return new InvalidResponse(error.message, { cause: error });
  }
  return new StreamLost(`The connection failed: ${error}`, { cause: error });
}
