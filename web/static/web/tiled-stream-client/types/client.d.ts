/** @import { ClientOptions, ConnectionState, SearchOptions, SubscribeOptions } from "./types.js" */
/**
 * Return a client of a server. No request is sent yet.
 * @param {string | URL} url The address of the server, of its API, or of a node; in a page also a path,
 *   such as `/api/v1`.
 * @param {ClientOptions} [options]
 */
export function connect(url: string | URL, options?: ClientOptions): Client;
/** A client: its nodes share the credentials and one WebSocket. */
export class Client {
    /**
     * @param {string | URL} url
     * @param {ClientOptions} [options]
     */
    constructor(url: string | URL, options?: ClientOptions);
    root: string;
    http: Http;
    connection: Connection;
    /**
     * Return the node at a path; the root without one.
     * @param {string | string[]} [path]
     */
    node(path?: string | string[]): TiledNode;
    /**
     * Return what the server says about itself: versions, formats, authentication.
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<any>}
     */
    about(options?: {
        signal?: AbortSignal;
    }): Promise<any>;
    /**
     * Search among the nodes at the root.
     * @param {SearchOptions} [options]
     */
    search(options?: SearchOptions): Promise<import("./types.js").SearchPage>;
    /**
     * Subscribe to the updates of the node at a path.
     * @param {string | string[]} path
     * @param {SubscribeOptions} [options]
     */
    subscribe(path: string | string[], options?: SubscribeOptions): import("./index.js").Subscription;
    /** The state of the WebSocket; "closed" while there are no subscriptions. */
    get state(): ConnectionState;
    /**
     * Milliseconds that the server's clock is ahead of this machine's, within half the shortest round
     * trip; null until it is known, as it is soon after the WebSocket was opened. The timestamps of
     * updates are of the server's clock.
     */
    get clockOffset(): number | null;
    /**
     * Call a function with each new state of the WebSocket; the result is a function that ends this.
     * @param {(state: ConnectionState) => void} listener
     * @returns {() => void}
     */
    onState(listener: (state: ConnectionState) => void): () => void;
    /** Close all subscriptions, and the WebSocket. */
    close(): void;
}
import type { ClientOptions } from "./types.js";
import { Http } from "./http.js";
import { Connection } from "./stream/connection.js";
import { TiledNode } from "./node.js";
import type { SearchOptions } from "./types.js";
import type { SubscribeOptions } from "./types.js";
import type { ConnectionState } from "./types.js";
