/** Feeds by the paths of their nodes. */
export class Feeds {
    /**
     * @param {string} path
     * @param {Record<string, unknown>} start The parameters of the first request.
     * @param {{recursive: boolean, lossy: boolean}} options
     */
    constructor(path: string, start: Record<string, unknown>, { recursive, lossy }: {
        recursive: boolean;
        lossy: boolean;
    });
    path: string;
    _recursive: boolean;
    _lossy: boolean;
    /** Whether a schema was received. */
    accepted: boolean;
    /** Nodes known to be younger than the subscription.
     * @type {Set<string>} */
    _created: Set<string>;
    _fromNow: boolean;
    root: NodeFeed;
    /** @type {Map<string, NodeFeed>} */
    _feeds: Map<string, NodeFeed>;
    /** Count of new events received. */
    get eventCount(): number;
    /**
     * Return the parameters of a request to start, or to resume.
     * @returns {Record<string, unknown>}
     */
    toParams(): Record<string, unknown>;
    /** Begin a connection. */
    onConnected(): void;
    /**
     * Turn a message about the node at `path` into events.
     * @param {string} path
     * @param {Message} message
     * @returns {FeedEvent[]}
     */
    receive(path: string, message: Message): FeedEvent[];
    /**
     * Forget a node that is gone.
     * @param {string} path
     */
    remove(path: string): void;
    /** @param {string} path */
    _feed(path: string): NodeFeed;
    /**
     * @param {string} parent
     * @param {Message} message
     */
    _expectChild(parent: string, message: Message): void;
    /**
     * Return the position of all feeds in one: the time since which updates may be missing. Updates that
     * are repeated thereby are dropped by the position of each feed.
     * @returns {Record<string, unknown>}
     */
    _commonPosition(): Record<string, unknown>;
}
import { NodeFeed } from "./feed.js";
import type { Message } from "./feed.js";
import type { FeedEvent } from "./feed.js";
