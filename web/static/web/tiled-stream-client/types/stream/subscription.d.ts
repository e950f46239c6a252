/** A subscription to the updates of a node. */
export class Subscription {
    /**
     * @param {Connection} connection
     * @param {Http} http
     * @param {readonly string[]} keys
     * @param {SubscribeOptions} options
     */
    constructor(connection: Connection, http: Http, keys: readonly string[], options: SubscribeOptions);
    path: string;
    _connection: Connection;
    _http: Http;
    _options: SubscribeOptions;
    _params: Record<string, unknown>;
    recursive: boolean;
    _feeds: Feeds;
    /** Why it is paused.
     * @type {Set<"caller" | "buffer">} */
    _pauses: Set<"caller" | "buffer">;
    /** Whether the server awaits acknowledgements. */
    _acknowledges: boolean;
    /** True after its end, or `close()`. */
    closed: boolean;
    /** @type {StreamPosition} */
    _position: StreamPosition;
    /** @type {Delivery<QueuedEvent>} */
    _delivery: Delivery<QueuedEvent>;
    _abort: () => void;
    /**
     * The last update that was delivered. To continue after it with another subscription, pass
     * `{start: sequence + 1, epoch}`.
     * @returns {StreamPosition}
     */
    get position(): StreamPosition;
    /** True while no updates are requested. */
    get paused(): boolean;
    /** Count of new events received. */
    get eventCount(): number;
    /** Stop to request updates. After `resume()`, those that are retained follow, or a gap. */
    pause(): void;
    /** Continue after `pause()`. */
    resume(): void;
    /** End the subscription; updates that wait are dropped. */
    close(): void;
    /**
     * Return the message that subscribes.
     * @param {string} id
     */
    toMessage(id: string): {
        type: string;
        id: string;
        path: string;
    };
    /** Begin a connection; called by the connection. */
    onConnected(): void;
    /**
     * Take a message of the server; called by the connection. Throws what makes that useless.
     * @param {string} path
     * @param {Message} message
     * @param {number} size
     * @param {string} id
     */
    receive(path: string, message: Message, size: number, id: string): void;
    /**
     * Take the end of a node's stream, and with it that of the subscription unless it is recursive; called
     * by the connection.
     * @param {string} path
     * @param {number} code
     * @param {string} reason
     * @param {TiledError | null} error
     */
    closeNode(path: string, code: number, reason: string, error: TiledError | null): void;
    /**
     * End the subscription; called by the connection when it is rejected or cannot continue.
     * @param {TiledError | null} error
     * @param {{ended?: boolean, code?: number | null, reason?: string, afterQueue?: boolean}} [how]
     */
    end(error: TiledError | null, { ended, code, reason, afterQueue }?: {
        ended?: boolean;
        code?: number | null;
        reason?: string;
        afterQueue?: boolean;
    }): void;
    /** @type {CloseEvent | null} */
    _closing: CloseEvent | null;
    /**
     * Report an error that the subscription survives.
     * @param {unknown} error
     */
    reportError(error: unknown): void;
    /** @param {QueuedEvent} queued */
    _handle(queued: QueuedEvent): unknown;
    /** @param {CloseEvent} event */
    _deliverClose(event: CloseEvent): void;
    /**
     * @param {string | null} epoch
     * @param {number | null} sequence
     */
    _setPosition(epoch: string | null, sequence: number | null): void;
    /** @param {"caller" | "buffer"} why */
    _pause(why: "caller" | "buffer"): void;
    /** @param {"caller" | "buffer"} why */
    _resume(why: "caller" | "buffer"): void;
}
/**
 * `updates` received under the `id` are to be acknowledged when the event was handled.
 */
export type QueuedEvent = (FeedEvent | {
    kind: "nodeClosed";
    event: CloseEvent;
} | {
    kind: "closed";
    event: CloseEvent;
}) & {
    size: number;
    id?: string;
    updates?: number;
};
import type { Connection } from "./connection.js";
import type { Http } from "../http.js";
import type { SubscribeOptions } from "../types.js";
import { Feeds } from "./feeds.js";
import type { StreamPosition } from "../types.js";
import { Delivery } from "./delivery.js";
import type { Message } from "./feed.js";
import type { TiledError } from "../errors.js";
import type { CloseEvent } from "../types.js";
import type { FeedEvent } from "./feed.js";
