/** One WebSocket for many subscriptions. */
export class Connection {
    /**
     * @param {Http} http
     * @param {ClientOptions} options
     */
    constructor(http: Http, options: ClientOptions);
    _http: Http;
    _options: ClientOptions;
    /** @type {ConnectionState} */
    state: ConnectionState;
    /** @type {Set<(state: ConnectionState) => void>} */
    _listeners: Set<(state: ConnectionState) => void>;
    /** @type {Set<Subscription>} */
    _subscriptions: Set<Subscription>;
    /** Subscriptions by the ids of the present connection.
     * @type {Map<string, Subscription>} */
    _ids: Map<string, Subscription>;
    _nextId: number;
    /** @type {Socket | null} */
    _socket: Socket | null;
    _running: boolean;
    /** @type {(() => void) | null} */
    _wake: (() => void) | null;
    _openedAt: number;
    clock: ServerClock;
    /** The last request of the time. */
    _asked: {
        id: string;
        at: number;
    };
    /**
     * @param {(state: ConnectionState) => void} listener
     * @returns {() => void}
     */
    onState(listener: (state: ConnectionState) => void): () => void;
    /**
     * Add a subscription; the first one opens the connection.
     * @param {Subscription} subscription
     */
    add(subscription: Subscription): void;
    /**
     * Remove a subscription; the last one closes the connection.
     * @param {Subscription} subscription
     */
    remove(subscription: Subscription): void;
    _linger: NodeJS.Timeout | undefined;
    /**
     * Request updates, if there is a connection; else this is done when there is one.
     * @param {Subscription} subscription
     */
    follow(subscription: Subscription): void;
    /**
     * Request no more updates. What is on its way is ignored, as its id is not known any more.
     * @param {Subscription} subscription
     */
    suspend(subscription: Subscription): void;
    /** Close all subscriptions and the socket. */
    close(): void;
    _run(): Promise<void>;
    /**
     * Connect until there is no subscription, or no point in it; return the error that ended it.
     * @returns {Promise<TiledError | null>}
     */
    _follow(): Promise<TiledError | null>;
    /**
     * Receive over one socket. Return why it ended; null if it was meant to end.
     * @returns {Promise<TiledError | null>}
     */
    _once(): Promise<TiledError | null>;
    /**
     * Return why a handshake failed, which a WebSocket does not tell: the HTTP API does.
     * @param {Error} failure
     * @returns {Promise<TiledError>}
     */
    _diagnose(failure: Error): Promise<TiledError>;
    _onOpen(): void;
    /**
     * Request the server's time, and again later.
     * @param {number} left How many times soon.
     */
    _requestTime(left: number): void;
    _clockTimer: NodeJS.Timeout | undefined;
    /**
     * @param {any} frame
     * @param {number} size
     */
    _onFrame(frame: any, size: number): void;
    /**
     * Tell the server that updates were processed, if they are of the present connection.
     * @param {string} id The id of the subscription when they were received.
     * @param {number} updates
     */
    acknowledge(id: string, updates: number): void;
    /**
     * @param {string | null} id
     * @param {Subscription} subscription
     * @param {Message} message
     */
    _onError(id: string | null, subscription: Subscription, message: Message): void;
    /**
     * @param {string | null} id
     * @param {Subscription} subscription
     * @param {string} path
     * @param {Message} message
     */
    _onClosed(id: string | null, subscription: Subscription, path: string, message: Message): void;
    _eventCount(): number;
    _renew(): Promise<boolean>;
    /**
     * Wait before the next attempt, but not for a network that is back.
     * @param {number} milliseconds
     * @returns {Promise<void>}
     */
    _pause(milliseconds: number): Promise<void>;
    /** @param {ConnectionState} state */
    _setState(state: ConnectionState): void;
}
import type { Http } from "../http.js";
import type { ClientOptions } from "../types.js";
import type { ConnectionState } from "../types.js";
import type { Subscription } from "./subscription.js";
import { Socket } from "./socket.js";
import { ServerClock } from "./clock.js";
import { TiledError } from "../errors.js";
import type { Message } from "./feed.js";
