// @ts-check
/** One WebSocket: opening, the first message, keep-alive, and why it closed. */

import { errorForClose, StreamLost } from "../errors.js";
import { decode } from "../vendor/msgpack.js";

/** The subprotocol of connections for many nodes. */
const SUBPROTOCOL = "tiled-multi.v1";
/** The id of no subscription: the server answers to it, whatever that says. */
const KEEP_ALIVE = JSON.stringify({ type: "unsubscribe", id: "keep-alive" });
/** `WebSocket.OPEN`, which is the same for all classes. */
const OPEN = 1;

/**
 * Return the WebSocket class of the platform, or that of the package `ws`.
 * @param {any} [given]
 * @returns {Promise<typeof WebSocket>}
 */
export async function webSocketClass(given) {
  if (given ?? globalThis.WebSocket) return given ?? globalThis.WebSocket;
  // A variable, so that bundlers for browsers do not look for the package.
  const name = "ws";
  try {
    return (await import(name)).default;
  } catch (cause) {
    throw new TypeError(
      "This version of Node has no WebSocket: install the package ws, or pass {WebSocket}.",
      { cause },
    );
  }
}

/**
 * @typedef {object} SocketOptions
 * @property {typeof WebSocket} WebSocket
 * @property {string | null} auth The first message, if there is one to send.
 * @property {() => void} onOpen
 * @property {(frame: unknown, size: number) => void} onFrame May throw what makes the socket useless.
 * @property {number} connectTimeout Seconds.
 * @property {number} idleBeforePing Seconds.
 */

/** A WebSocket, from its opening to its end. */
export class Socket {
  /**
   * @param {string} url
   * @param {SocketOptions} options
   */
  constructor(url, options) {
    this._options = options;
    this.opened = false;
    this._lastFrame = Date.now();
    this._probed = false;
    // Arguments that a browser does not know are ignored: for `ws`, messages of any length.
    const Class = /** @type {any} */ (options.WebSocket);
    const limits = { maxPayload: 2 ** 31 - 1, perMessageDeflate: false };
    /** @type {WebSocket} */
    this._socket = new Class(url, [SUBPROTOCOL], limits);
    this._socket.binaryType = "arraybuffer";
    /** Resolves with why the socket closed; null if `close` was called.
     * @type {Promise<Error | null>} */
    this.done = new Promise((resolve) => {
      /** @type {((failure: Error | null) => void) | undefined} */
      this._resolve = resolve;
    });
    this._listen();
  }

  /**
   * Send a message; none while the socket closes, which `done` tells in its turn.
   * @param {string} text
   */
  send(text) {
    if (this._socket.readyState === OPEN) this._socket.send(text);
  }

  /** Close the socket. */
  close() {
    this._finish(null);
  }

  /**
   * Close the socket as it is of no use any more.
   * @param {Error} error
   */
  fail(error) {
    this._finish(error);
  }

  _listen() {
    const { connectTimeout } = this._options;
    this._timer = setTimeout(
      () => this.fail(new StreamLost(`The WebSocket did not open within ${connectTimeout} s.`)),
      1000 * connectTimeout,
    );
    this._socket.onopen = () => this._onOpen();
    this._socket.onmessage = (event) => this._onMessage(event.data);
    // What it says is in the close event that follows; but without a listener `ws` would throw.
    this._socket.onerror = () => {};
    this._socket.onclose = ({ code, reason }) => {
      this._finish(
        errorForClose(code, reason) ?? new StreamLost("The server closed the connection."),
      );
    };
  }

  _onOpen() {
    clearTimeout(this._timer);
    this.opened = true;
    this._lastFrame = Date.now();
    const { auth, onOpen, idleBeforePing } = this._options;
    if (auth) this.send(auth);
    onOpen();
    this._watch = setInterval(() => this._checkAlive(), 250 * idleBeforePing);
    // In Node a timer would keep the process running.
    /** @type {any} */ (this._watch).unref?.();
  }

  /** @param {ArrayBuffer | string} data */
  _onMessage(data) {
    this._lastFrame = Date.now();
    this._probed = false;
    try {
      if (typeof data === "string") this._options.onFrame(JSON.parse(data), data.length);
      else this._options.onFrame(decode(new Uint8Array(data)), data.byteLength);
    } catch (error) {
      this.fail(/** @type {Error} */ (error));
    }
  }

  _checkAlive() {
    const { idleBeforePing } = this._options;
    const idle = (Date.now() - this._lastFrame) / 1000;
    if (idle < idleBeforePing) return;
    if (!this._probed) {
      this._probed = true;
      this._lastFrame = Date.now();
      this.send(KEEP_ALIVE);
      return;
    }
    this.fail(new StreamLost(`No message within ${idleBeforePing} s, nor an answer to a ping.`));
  }

  /** @param {Error | null} error */
  _finish(error) {
    if (!this._resolve) return;
    clearTimeout(this._timer);
    clearInterval(this._watch);
    const socket = this._socket;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (socket.readyState < 2) {
      socket.close();
      // A server that is dead would be waited for.
      if (error) /** @type {any} */ (socket).terminate?.();
    }
    this._resolve(error);
    this._resolve = undefined;
  }
}
