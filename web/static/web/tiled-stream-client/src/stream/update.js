// @ts-check
/** Updates of nodes. */

import { rebase, splitPath } from "../address.js";
import { convertArray } from "../data/conversion.js";
import { decodeAwkward, decodeRagged } from "../data/awkward.js";
import { decodeSparse, decodeTable } from "../data/tables.js";
import { nodeInfo } from "../info.js";
import { fetchArray, readNode, readTable } from "../read.js";
import { parseTime } from "./times.js";

/** @import { Http } from "../http.js" */
/** @import { ArrowOptions, DataType, Family, SchemaEvent } from "../types.js" */
/** @import { Message } from "./feed.js" */

const ARROW = "application/vnd.apache.arrow.file";

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
  constructor(http, path, message, schema, missed) {
    this._http = http;
    this._schema = schema;
    this.type = message.type;
    this.path = path;
    /** @type {number} */
    this.sequence = message.sequence;
    /** @type {string | null} */
    this.epoch = message.epoch ?? null;
    /** Milliseconds since 1970. */
    this.timestamp = parseTime(message.timestamp);
    this.missed = missed;
    this.family = familyOf(message);
    /** @type {number[] | null} */
    this.shape = message.patch?.shape ?? message.shape ?? null;
    /** @type {number[] | null} */
    this.offset = paddedOffset(message.patch?.offset ?? message.offset, this.shape);
    /** @type {number[] | null} */
    this.block = message.block ?? null;
    this.append = message.append === true;
    /** Of a table: which rows of the whole table these are (of an external one with partitions: of the
     * partition); null if any may have changed, or if they are stored nowhere.
     * @type {{offset: number, count: number} | null} */
    this.rows = message.rows ?? null;
    /** False if the data are stored nowhere. */
    this.persisted = message.persisted !== false;
    /** @type {string | null} */
    this.slice = message.slice ?? null;
    /** @type {string | null} */
    this.reduce = message.reduce ?? null;
    /** The regions of interest that statistics are about.
     * @type {string | null} */
    this.roi = message.roi ?? null;
    /** As it was received: compressed if the message has an `encoding`.
     * @type {Uint8Array | null} */
    this.payload = message.payload instanceof Uint8Array ? message.payload : null;
    /** @type {string | null} */
    this.uri = message.uri ?? null;
    /** The key of the child that a container's update is about.
     * @type {string | null} */
    this.key = message.key ?? null;
    /** All that the server sent. */
    this.message = message;
  }

  /** The data type of the elements; null if they have none.
   * @type {DataType | null} */
  get dataType() {
    const { data_type: own, data_source: source } = this.message;
    if (own) return own;
    if (this.reduce) return this._schema.message.reduced_data_type ?? null;
    return source?.structure?.data_type ?? this._schema.dataType;
  }

  /** The size of the payload in bytes. */
  get byteLength() {
    return this.payload?.byteLength ?? 0;
  }

  /**
   * Return the data: an `NDArray`, an `ArrowTable`, a `SparseArray`, nested lists, or for each frame the
   * statistics of the regions of interest; null for a change of a container's child. What is behind a
   * link is read, with `signal` to abort that.
   * @param {{arrow?: ArrowOptions, signal?: AbortSignal}} [options]
   * @returns {Promise<any>}
   */
  async data({ arrow, signal } = {}) {
    if (this.message.values) return this.message.values;
    if (this.payload) return this._decode(this.payload, arrow);
    if (!this.uri) return null;
    const url = rebase(this._http.root, this.uri);
    if (this.family === "table") return readTable(this._http, url, { arrow, signal });
    if (!this.message.patch) return this._readAll(signal);
    const part = { dataType: /** @type {DataType} */ (this.dataType), shape: this.shape ?? [] };
    return fetchArray(this._http, url, part, false, signal);
  }

  /**
   * Read the whole array, which may have grown since.
   * @param {AbortSignal | undefined} signal
   */
  async _readAll(signal) {
    const { slice, reduce } = this;
    const keys = splitPath(this.path);
    const url = this._http.url("metadata", keys);
    const describe = async () => nodeInfo((await this._http.json(url, { signal })).data);
    return readNode(this._http, keys, describe, { slice, reduce, signal });
  }

  /**
   * @param {Uint8Array} payload
   * @param {ArrowOptions | undefined} arrow
   */
  async _decode(payload, arrow) {
    switch (this.family) {
      case "table":
        return decodeTable(payload, arrow);
      case "sparse":
        return decodeSparse(payload, this.shape ?? []);
      case "ragged":
        return this._isJson() ? this._json(payload) : decodeRagged(payload);
      case "awkward":
        return decodeAwkward(payload, this._schema.form, this.message.length);
      default:
        return this._numbers(payload, /** @type {DataType} */ (this.dataType), this.shape ?? []);
    }
  }

  /**
   * @param {Uint8Array} payload
   * @param {DataType} dataType
   * @param {number[]} shape
   */
  async _numbers(payload, dataType, shape) {
    const { encoding } = this.message;
    if (encoding) {
      const { decompress } = await import("../data/decompression.js");
      payload = decompress(encoding, payload, dataType, shape);
    }
    return convertArray(payload, dataType, shape);
  }

  _isJson() {
    return String(this.message.mimetype).startsWith("application/json");
  }

  /** @param {Uint8Array} payload */
  _json(payload) {
    return JSON.parse(new TextDecoder().decode(payload));
  }
}

/**
 * A patch may leave out the last dimensions.
 * @param {number[] | null | undefined} offset
 * @param {number[] | null} shape
 */
function paddedOffset(offset, shape) {
  if (!offset) return null;
  return shape ? shape.map((_, axis) => offset[axis] ?? 0) : offset;
}

/**
 * @param {Message} message
 * @returns {Family}
 */
function familyOf(message) {
  const name = message.type.split("-")[0];
  // Sparse arrays have the messages of arrays.
  if (name === "array" && message.mimetype === ARROW) return "sparse";
  return /** @type {Family} */ (name);
}
