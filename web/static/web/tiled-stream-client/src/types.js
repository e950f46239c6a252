// @ts-check
/** Types of the client's arguments and results. */

/**
 * A data type as the server describes it: numpy's kind, bytes per element, units of times.
 * @typedef {{kind: string, itemsize: number, endianness: string, dt_units?: string | null}} BuiltinType
 */

/**
 * A record.
 * @typedef {{itemsize: number, fields: {name: string, dtype: DataType, shape: number[] | null}[]}} RecordType
 */

/** @typedef {BuiltinType | RecordType} DataType */

/**
 * @typedef {Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array
 *   | BigUint64Array | BigInt64Array | Float32Array | Float64Array} TypedArray
 */

/**
 * The data type of an `NDArray`: `kind` is numpy's letter, `units` that of times, `littleEndian`
 * tells how the server sent the numbers; `fields` are those of a record.
 * @typedef {{kind: string, itemsize: number, littleEndian: boolean, units: string | null,
 *   fields?: string[]}} DType
 */

/**
 * An array in C order. `data` holds bytes for booleans, bigints for integers of 64 bits and for times,
 * single precision for half precision, and (real, imaginary) pairs for complex numbers; for other
 * kinds it is a list of strings, of bytes, or of an object for each record.
 * @typedef {{dtype: DType, shape: number[], data: TypedArray | unknown[]}} NDArray
 */

/**
 * A table of Arrow columns, as `@uwdata/flechette` has it.
 * @typedef {{numRows: number, numCols: number, names: string[],
 *   getChild: (name: string) => ArrowColumn, getChildAt: (index: number) => ArrowColumn,
 *   toArray: () => Record<string, unknown>[], toColumns: () => Record<string, ArrayLike<unknown>>,
 *   select: (names: string[]) => ArrowTable,
 *   at: (index: number) => Record<string, unknown>} & Iterable<Record<string, unknown>>} ArrowTable
 */

/**
 * @typedef {{length: number, nullCount: number, type: unknown, at: (index: number) => unknown,
 *   toArray: () => ArrayLike<unknown>} & Iterable<unknown>} ArrowColumn
 */

/**
 * The elements of a sparse array that are not zero: their coordinates along each dimension, and their
 * values.
 * @typedef {{shape: number[], coords: ArrayLike<number>[], data: ArrayLike<unknown>}} SparseArray
 */

/** @typedef {"container" | "array" | "table" | "sparse" | "ragged" | "awkward" | "bytes"} Family */

/**
 * A node as the server describes it. `structure` is as in the HTTP API, and `raw` all of the response.
 * @typedef {object} NodeInfo
 * @property {string} id
 * @property {string} path
 * @property {string} key
 * @property {string[]} ancestors
 * @property {Family} family
 * @property {any} structure
 * @property {Record<string, any>} metadata
 * @property {{name: string, version: string | null}[]} specs
 * @property {{key: string, direction: number}[] | null} sorting
 * @property {any[] | null} dataSources
 * @property {string | null} timeCreated
 * @property {string | null} timeUpdated
 * @property {string[] | null} accessTags
 * @property {Record<string, string>} links
 * @property {any} raw
 */

/** @typedef {number | null | [number | null, (number | null)?, (number | null)?]} SliceItem */

/**
 * A slice: a text as in Python (`"0:10,::2"`), or a number, a range `[start, stop, step]` or null for
 * each dimension.
 * @typedef {string | readonly SliceItem[]} SliceLike
 */

/**
 * @typedef {object} ReadOptions
 * @property {SliceLike | null} [slice] Of arrays, sparse and ragged arrays; of awkward arrays, a range of items.
 * @property {string | null} [reduce] Of arrays: `mean:4,4`, also `sum`, `min`, `max`.
 * @property {string[] | null} [columns] Of tables.
 * @property {[number, number?] | null} [rows] Of tables: the first row, and the one after the last.
 * @property {ArrowOptions} [arrow] Of tables: options of `tableFromIPC`.
 * @property {NodeInfo} [info] The node's description, if it is known: this saves a request.
 * @property {AbortSignal} [signal]
 */

/**
 * @typedef {{useBigInt?: boolean, useDate?: boolean, useMap?: boolean,
 *   useDecimalInt?: boolean}} ArrowOptions
 */

/**
 * A condition of a search: the name of a filter of the HTTP API, and its fields.
 * @typedef {{filter: string} & Record<string, unknown>} Filter
 */

/**
 * @typedef {object} SearchOptions
 * @property {string} [text] Words that are all in the metadata.
 * @property {Filter[]} [filters]
 * @property {string[]} [sort] Places in the metadata, or `id`; `-` before one for descending.
 * @property {number} [limit] At most 300.
 * @property {number} [offset]
 * @property {string | null} [cursor] `next` of the page before.
 * @property {boolean} [deep] Also below the direct children.
 * @property {number} [maxDepth] With `deep`: how many levels down.
 * @property {string[]} [fields] Which attributes to send; all by default.
 * @property {string} [selectMetadata] A JMESPath expression: the part of the metadata to send.
 * @property {AbortSignal} [signal]
 */

/** @typedef {{items: NodeInfo[], total: number | null, next: string | null}} SearchPage */

/** @typedef {{epoch: string | null, sequence: number | null}} StreamPosition */

/**
 * @typedef {{type: string, path: string, epoch: string | null, sequence: number | null,
 *   dataType: DataType | null, form: any, arrowSchema: string | null, message: any}} SchemaEvent
 */

/**
 * The updates `from` to `to`, both included, were not delivered.
 * @typedef {{path: string, epoch: string | null, from: number, to: number, count: number,
 *   reason: string, uri: string | null}} GapEvent
 */

/**
 * The numbering of the stream restarted.
 * @typedef {{path: string, epoch: string | null, previous: string | null,
 *   sequence: number | null}} ResetEvent
 */

/**
 * @typedef {{path: string, epoch: string | null, sequence: number, timestamp: number}}
 *   HeartbeatEvent
 */

/**
 * The end of a subscription, or with `onNodeClose` of one node's stream. `ended` is true if the
 * producer ended the stream, `error` is null for this and after `close()`.
 * @typedef {{path: string, ended: boolean, code: number | null, reason: string,
 *   error: import("./errors.js").TiledError | null}} CloseEvent
 */

/** @typedef {import("./stream/update.js").Update} Update */

/**
 * @typedef {object} StreamOptions
 * @property {"latest" | "next" | number | null} [start] `next` (the default) for new updates,
 *   `latest` for the newest retained and all after it, 0 for all retained, or a sequence number.
 * @property {Date | string | number | null} [startTime] In place of `start`: the first update since a
 *   moment, in milliseconds since 1970 if it is a number.
 * @property {string | null} [epoch] The epoch that `start` belongs to.
 * @property {"latest" | "block" | null} [policy] `block` (the default) for every update.
 * @property {number | null} [maxRate] Updates per second.
 * @property {number | null} [maxUnacknowledged] With policy `latest` (2 by default) or `maxRate`: how
 *   many updates the server sends before the first of them was handled by `onUpdate`.
 * @property {SliceLike | null} [slice]
 * @property {string | null} [reduce]
 * @property {string | null} [roi]
 * @property {string[] | null} [columns]
 * @property {("lz4" | "bitshuffle-lz4")[] | null} [acceptEncoding] Compressed payloads that are wanted as they
 *   were written, to be decompressed by `Update.data()`; none by default.
 * @property {boolean} [recursive] Follow all nodes below this container, too.
 * @property {number} [bufferBytes] How much may wait for a slow subscriber: 64 MiB by default.
 * @property {AbortSignal} [signal]
 */

/**
 * Callbacks of a subscription. They are called in the order of the stream; while a promise that one
 * returned is pending, what follows waits.
 * @typedef {object} StreamCallbacks
 * @property {(update: Update) => unknown} [onUpdate]
 * @property {(schema: SchemaEvent) => unknown} [onSchema] The first message on each connection.
 * @property {(gap: GapEvent) => unknown} [onGap]
 * @property {(reset: ResetEvent) => unknown} [onReset]
 * @property {(heartbeat: HeartbeatEvent) => unknown} [onHeartbeat]
 * @property {(close: CloseEvent) => unknown} [onNodeClose] With `recursive`: a node's stream ended.
 * @property {(close: CloseEvent) => unknown} [onClose] The last one.
 * @property {(error: unknown) => unknown} [onError] An error that the subscription survives: a lost
 *   connection, or one that a callback threw.
 */

/** @typedef {StreamOptions & StreamCallbacks} SubscribeOptions */

/** @typedef {"connecting" | "open" | "reconnecting" | "closed"} ConnectionState */

/** @typedef {string | (() => string | Promise<string>)} Secret */

/**
 * @typedef {object} ClientOptions
 * @property {Secret} [apiKey] An API key, or a function that returns one.
 * @property {Secret} [token] An access token, or a function that returns a valid one.
 * @property {string | (() => string)} [csrf] The CSRF token of a session in a page.
 * @property {any} [WebSocket] The class to use where there is no global one, such as that of `ws`.
 * @property {typeof fetch} [fetch]
 * @property {number} [retryFor] Seconds for which reads are repeated while the server cannot be
 *   reached; 10 by default.
 * @property {number} [connectTimeout] Seconds for a WebSocket to open; 15 by default.
 * @property {number} [idleBeforePing] Seconds without a message before the server is probed; 20 by
 *   default.
 * @property {number} [giveUpAfter] Seconds of attempts to reconnect before subscriptions end; without
 *   it there is no limit.
 */

export {};
