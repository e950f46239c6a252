/**
 * An update: data that were written, a link to data (`uri`), or a change of a container's child.
 *
 * `shape` is that of the data, `offset` their place in the array as it is after `slice` and `reduce`,
 * and `block` the number of the chunk along each dimension; both are null for the whole array. Of
 * statistics, `shape` and `offset` count frames. `missed` counts the updates that were not delivered
 * before this one.
 */
export class Update {
    /**
     * @param {Http} http
     * @param {string} path
     * @param {Message} message
     * @param {SchemaEvent} schema
     * @param {number} missed
     */
    constructor(http: Http, path: string, message: Message, schema: SchemaEvent, missed: number);
    _http: Http;
    _schema: SchemaEvent;
    type: string;
    path: string;
    /** @type {number} */
    sequence: number;
    /** @type {string | null} */
    epoch: string | null;
    /** Milliseconds since 1970. */
    timestamp: number;
    missed: number;
    family: Family;
    /** @type {number[] | null} */
    shape: number[] | null;
    /** @type {number[] | null} */
    offset: number[] | null;
    /** @type {number[] | null} */
    block: number[] | null;
    append: boolean;
    /** Of a table: which rows of the whole table these are (of an external one with partitions: of the
     * partition); null if any may have changed, or if they are stored nowhere.
     * @type {{offset: number, count: number} | null} */
    rows: {
        offset: number;
        count: number;
    } | null;
    /** False if the data are stored nowhere. */
    persisted: boolean;
    /** @type {string | null} */
    slice: string | null;
    /** @type {string | null} */
    reduce: string | null;
    /** The regions of interest that statistics are about.
     * @type {string | null} */
    roi: string | null;
    /** As it was received: compressed if the message has an `encoding`.
     * @type {Uint8Array | null} */
    payload: Uint8Array | null;
    /** @type {string | null} */
    uri: string | null;
    /** The key of the child that a container's update is about.
     * @type {string | null} */
    key: string | null;
    /** All that the server sent. */
    message: Message;
    /** The data type of the elements; null if they have none.
     * @type {DataType | null} */
    get dataType(): DataType | null;
    /** The size of the payload in bytes. */
    get byteLength(): number;
    /**
     * Return the data: an `NDArray`, an `ArrowTable`, a `SparseArray`, nested lists, or for each frame the
     * statistics of the regions of interest; null for a change of a container's child. What is behind a
     * link is read, with `signal` to abort that.
     * @param {{arrow?: ArrowOptions, signal?: AbortSignal}} [options]
     * @returns {Promise<any>}
     */
    data({ arrow, signal }?: {
        arrow?: ArrowOptions;
        signal?: AbortSignal;
    }): Promise<any>;
    /**
     * Read the whole array, which may have grown since.
     * @param {AbortSignal | undefined} signal
     */
    _readAll(signal: AbortSignal | undefined): Promise<any>;
    /**
     * @param {Uint8Array} payload
     * @param {ArrowOptions | undefined} arrow
     */
    _decode(payload: Uint8Array, arrow: ArrowOptions | undefined): Promise<any>;
    /**
     * @param {Uint8Array} payload
     * @param {DataType} dataType
     * @param {number[]} shape
     */
    _numbers(payload: Uint8Array, dataType: DataType, shape: number[]): Promise<import("../types.js").NDArray>;
    _isJson(): boolean;
    /** @param {Uint8Array} payload */
    _json(payload: Uint8Array): any;
}
import type { Http } from "../http.js";
import type { SchemaEvent } from "../types.js";
import type { Family } from "../types.js";
import type { Message } from "./feed.js";
import type { DataType } from "../types.js";
import type { ArrowOptions } from "../types.js";
