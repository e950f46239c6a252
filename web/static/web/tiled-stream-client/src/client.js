// @ts-check
/** A client of one server. */

import { parseAddress, splitPath } from "./address.js";
import { Credentials } from "./credentials.js";
import { Http } from "./http.js";
import { TiledNode } from "./node.js";
import { Connection } from "./stream/connection.js";

/** @import { ClientOptions, ConnectionState, SearchOptions, SubscribeOptions } from "./types.js" */

/**
 * Return a client of a server. No request is sent yet.
 * @param {string | URL} url The address of the server, of its API, or of a node; in a page also a path,
 *   such as `/api/v1`.
 * @param {ClientOptions} [options]
 */
export function connect(url, options = {}) {
  return new Client(url, options);
}

/** A client: its nodes share the credentials and one WebSocket. */
export class Client {
  /**
   * @param {string | URL} url
   * @param {ClientOptions} [options]
   */
  constructor(url, options = {}) {
    const { root, apiKey } = parseAddress(url);
    const given = options.token ? options : { ...options, apiKey: options.apiKey ?? apiKey ?? "" };
    this.root = root;
    this.http = new Http(root, new Credentials(given), options);
    this.connection = new Connection(this.http, options);
  }

  /**
   * Return the node at a path; the root without one.
   * @param {string | string[]} [path]
   */
  node(path = []) {
    return new TiledNode(this, splitPath(path));
  }

  /**
   * Return what the server says about itself: versions, formats, authentication.
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<any>}
   */
  async about(options = {}) {
    return this.http.json(`${this.root}/`, options);
  }

  /**
   * Search among the nodes at the root.
   * @param {SearchOptions} [options]
   */
  search(options = {}) {
    return this.node().search(options);
  }

  /**
   * Subscribe to the updates of the node at a path.
   * @param {string | string[]} path
   * @param {SubscribeOptions} [options]
   */
  subscribe(path, options = {}) {
    return this.node(path).subscribe(options);
  }

  /** The state of the WebSocket; "closed" while there are no subscriptions. */
  get state() {
    return this.connection.state;
  }

  /**
   * Milliseconds that the server's clock is ahead of this machine's, within half the shortest round
   * trip; null until it is known, as it is soon after the WebSocket was opened. The timestamps of
   * updates are of the server's clock.
   */
  get clockOffset() {
    return this.connection.clock.offset;
  }

  /**
   * Call a function with each new state of the WebSocket; the result is a function that ends this.
   * @param {(state: ConnectionState) => void} listener
   * @returns {() => void}
   */
  onState(listener) {
    return this.connection.onState(listener);
  }

  /** Close all subscriptions, and the WebSocket. */
  close() {
    this.connection.close();
  }
}
