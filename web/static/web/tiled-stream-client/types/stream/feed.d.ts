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
    constructor(path: string, position: Position, { lossy, fromNow }?: {
        lossy?: boolean;
        fromNow?: boolean;
    });
    path: string;
    position: Position;
    fromNow: boolean;
    /** A time of the server's clock up to which no update can be missing.
     * @type {number | null} */
    completeAt: number | null;
    /** Counts new events. */
    eventCount: number;
    _lossy: boolean;
    /** @type {SchemaEvent | null} */
    _schema: SchemaEvent | null;
    /** The highest number on the server when the first schema was received.
     * @type {number | null} */
    _base: number | null;
    _missed: number;
    /** The epoch of the last reset, until something of it is received.
     * @type {string | null | undefined} */
    _announced: string | null | undefined;
    /** The last heartbeat's number, and the event count at that time.
     * @type {{sequence: number, eventCount: number} | null} */
    _heartbeat: {
        sequence: number;
        eventCount: number;
    } | null;
    /** The position after which missing updates were requested.
     * @type {number | null} */
    _requestedAfter: number | null;
    /** Begin a connection: a schema is expected first. */
    onConnected(): void;
    /**
     * Turn a message into events. Throws what makes this connection useless.
     * @param {Message} message
     * @returns {FeedEvent[]}
     */
    receive(message: Message): FeedEvent[];
    /** Mark updates from before the subscription as received, if they are not wanted. */
    skipBacklog(): number | null;
    /**
     * @param {Message} message
     * @returns {FeedEvent[]}
     */
    _onSchema(message: Message): FeedEvent[];
    /**
     * @param {Message} message
     * @param {SchemaEvent} schema
     * @returns {FeedEvent[]}
     */
    _onUpdate(message: Message, schema: SchemaEvent): FeedEvent[];
    /**
     * @param {Message} message
     * @returns {FeedEvent[]}
     */
    _onGap(message: Message): FeedEvent[];
    /**
     * @param {Message} message
     * @returns {FeedEvent[]}
     */
    _onReset(message: Message): FeedEvent[];
    /**
     * @param {string | null} epoch
     * @returns {FeedEvent[]}
     */
    _enterEpoch(epoch: string | null): FeedEvent[];
    /**
     * @param {string | null} epoch
     * @param {string | null} previous
     * @param {number | null} sequence
     * @returns {FeedEvent}
     */
    _announce(epoch: string | null, previous: string | null, sequence: number | null): FeedEvent;
    /**
     * Record a heartbeat. Throws StreamLost if it shows that updates are missing.
     * @param {Message} message
     * @returns {FeedEvent[]}
     */
    _onHeartbeat(message: Message): FeedEvent[];
    /**
     * Return whether nothing was received since a heartbeat that was ahead of `last`. One heartbeat ahead
     * proves nothing: the updates may be on their way behind it.
     * @param {{sequence: number, eventCount: number}} before
     * @param {number} last
     */
    _silentSince(before: {
        sequence: number;
        eventCount: number;
    }, last: number): boolean;
    /** @param {number} last */
    _request(last: number): void;
}
export type Message = Record<string, any> & {
    type: string;
};
export type FeedEvent = {
    kind: "schema";
    event: SchemaEvent;
    last: number | null;
} | {
    kind: "gap";
    event: GapEvent;
} | {
    kind: "reset";
    event: ResetEvent;
} | {
    kind: "heartbeat";
    event: HeartbeatEvent;
} | {
    kind: "update";
    message: Message;
    missed: number;
    schema: SchemaEvent;
};
import type { Position } from "./position.js";
import type { SchemaEvent } from "../types.js";
import type { GapEvent } from "../types.js";
import type { ResetEvent } from "../types.js";
import type { HeartbeatEvent } from "../types.js";
