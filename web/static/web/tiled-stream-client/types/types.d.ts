/**
 * A data type as the server describes it: numpy's kind, bytes per element, units of times.
 */
export type BuiltinType = {
    kind: string;
    itemsize: number;
    endianness: string;
    dt_units?: string | null;
};
/**
 * A record.
 */
export type RecordType = {
    itemsize: number;
    fields: {
        name: string;
        dtype: DataType;
        shape: number[] | null;
    }[];
};
export type DataType = BuiltinType | RecordType;
export type TypedArray = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | BigUint64Array | BigInt64Array | Float32Array | Float64Array;
/**
 * The data type of an `NDArray`: `kind` is numpy's letter, `units` that of times, `littleEndian`
 * tells how the server sent the numbers; `fields` are those of a record.
 */
export type DType = {
    kind: string;
    itemsize: number;
    littleEndian: boolean;
    units: string | null;
    fields?: string[];
};
/**
 * An array in C order. `data` holds bytes for booleans, bigints for integers of 64 bits and for times,
 * single precision for half precision, and (real, imaginary) pairs for complex numbers; for other
 * kinds it is a list of strings, of bytes, or of an object for each record.
 */
export type NDArray = {
    dtype: DType;
    shape: number[];
    data: TypedArray | unknown[];
};
/**
 * A table of Arrow columns, as `@uwdata/flechette` has it.
 */
export type ArrowTable = {
    numRows: number;
    numCols: number;
    names: string[];
    getChild: (name: string) => ArrowColumn;
    getChildAt: (index: number) => ArrowColumn;
    toArray: () => Record<string, unknown>[];
    toColumns: () => Record<string, ArrayLike<unknown>>;
    select: (names: string[]) => ArrowTable;
    at: (index: number) => Record<string, unknown>;
} & Iterable<Record<string, unknown>>;
export type ArrowColumn = {
    length: number;
    nullCount: number;
    type: unknown;
    at: (index: number) => unknown;
    toArray: () => ArrayLike<unknown>;
} & Iterable<unknown>;
/**
 * The elements of a sparse array that are not zero: their coordinates along each dimension, and their
 * values.
 */
export type SparseArray = {
    shape: number[];
    coords: ArrayLike<number>[];
    data: ArrayLike<unknown>;
};
export type Family = "container" | "array" | "table" | "sparse" | "ragged" | "awkward" | "bytes";
/**
 * A node as the server describes it. `structure` is as in the HTTP API, and `raw` all of the response.
 */
export type NodeInfo = {
    id: string;
    path: string;
    key: string;
    ancestors: string[];
    family: Family;
    structure: any;
    metadata: Record<string, any>;
    specs: {
        name: string;
        version: string | null;
    }[];
    sorting: {
        key: string;
        direction: number;
    }[] | null;
    dataSources: any[] | null;
    timeCreated: string | null;
    timeUpdated: string | null;
    accessTags: string[] | null;
    links: Record<string, string>;
    raw: any;
};
export type SliceItem = number | null | [number | null, (number | null)?, (number | null)?];
/**
 * A slice: a text as in Python (`"0:10,::2"`), or a number, a range `[start, stop, step]` or null for
 * each dimension.
 */
export type SliceLike = string | readonly SliceItem[];
export type ReadOptions = {
    /**
     * Of arrays, sparse and ragged arrays; of awkward arrays, a range of items.
     */
    slice?: SliceLike | null | undefined;
    /**
     * Of arrays: `mean:4,4`, also `sum`, `min`, `max`.
     */
    reduce?: string | null | undefined;
    /**
     * Of tables.
     */
    columns?: string[] | null | undefined;
    /**
     * Of tables: the first row, and the one after the last.
     */
    rows?: [number, (number | undefined)?] | null | undefined;
    /**
     * Of tables: options of `tableFromIPC`.
     */
    arrow?: ArrowOptions | undefined;
    /**
     * The node's description, if it is known: this saves a request.
     */
    info?: NodeInfo | undefined;
    signal?: AbortSignal | undefined;
};
export type ArrowOptions = {
    useBigInt?: boolean;
    useDate?: boolean;
    useMap?: boolean;
    useDecimalInt?: boolean;
};
/**
 * A condition of a search: the name of a filter of the HTTP API, and its fields.
 */
export type Filter = {
    filter: string;
} & Record<string, unknown>;
export type SearchOptions = {
    /**
     * Words that are all in the metadata.
     */
    text?: string | undefined;
    filters?: Filter[] | undefined;
    /**
     * Places in the metadata, or `id`; `-` before one for descending.
     */
    sort?: string[] | undefined;
    /**
     * At most 300.
     */
    limit?: number | undefined;
    offset?: number | undefined;
    /**
     * `next` of the page before.
     */
    cursor?: string | null | undefined;
    /**
     * Also below the direct children.
     */
    deep?: boolean | undefined;
    /**
     * With `deep`: how many levels down.
     */
    maxDepth?: number | undefined;
    /**
     * Which attributes to send; all by default.
     */
    fields?: string[] | undefined;
    /**
     * A JMESPath expression: the part of the metadata to send.
     */
    selectMetadata?: string | undefined;
    signal?: AbortSignal | undefined;
};
export type SearchPage = {
    items: NodeInfo[];
    total: number | null;
    next: string | null;
};
export type StreamPosition = {
    epoch: string | null;
    sequence: number | null;
};
export type SchemaEvent = {
    type: string;
    path: string;
    epoch: string | null;
    sequence: number | null;
    dataType: DataType | null;
    form: any;
    arrowSchema: string | null;
    message: any;
};
/**
 * The updates `from` to `to`, both included, were not delivered.
 */
export type GapEvent = {
    path: string;
    epoch: string | null;
    from: number;
    to: number;
    count: number;
    reason: string;
    uri: string | null;
};
/**
 * The numbering of the stream restarted.
 */
export type ResetEvent = {
    path: string;
    epoch: string | null;
    previous: string | null;
    sequence: number | null;
};
export type HeartbeatEvent = {
    path: string;
    epoch: string | null;
    sequence: number;
    timestamp: number;
};
/**
 * The end of a subscription, or with `onNodeClose` of one node's stream. `ended` is true if the
 * producer ended the stream, `error` is null for this and after `close()`.
 */
export type CloseEvent = {
    path: string;
    ended: boolean;
    code: number | null;
    reason: string;
    error: import("./errors.js").TiledError | null;
};
export type Update = import("./stream/update.js").Update;
export type StreamOptions = {
    /**
     * `next` (the default) for new updates,
     * `latest` for the newest retained and all after it, 0 for all retained, or a sequence number.
     */
    start?: number | "latest" | "next" | null | undefined;
    /**
     * In place of `start`: the first update since a
     * moment, in milliseconds since 1970 if it is a number.
     */
    startTime?: string | number | Date | null | undefined;
    /**
     * The epoch that `start` belongs to.
     */
    epoch?: string | null | undefined;
    /**
     * `block` (the default) for every update.
     */
    policy?: "latest" | "block" | null | undefined;
    /**
     * Updates per second.
     */
    maxRate?: number | null | undefined;
    /**
     * With policy `latest` (2 by default) or `maxRate`: how
     * many updates the server sends before the first of them was handled by `onUpdate`.
     */
    maxUnacknowledged?: number | null | undefined;
    slice?: SliceLike | null | undefined;
    reduce?: string | null | undefined;
    roi?: string | null | undefined;
    columns?: string[] | null | undefined;
    /**
     * Compressed payloads that are wanted as they
     * were written, to be decompressed by `Update.data()`; none by default.
     */
    acceptEncoding?: ("lz4" | "bitshuffle-lz4")[] | null | undefined;
    /**
     * Follow all nodes below this container, too.
     */
    recursive?: boolean | undefined;
    /**
     * How much may wait for a slow subscriber: 64 MiB by default.
     */
    bufferBytes?: number | undefined;
    signal?: AbortSignal | undefined;
};
/**
 * Callbacks of a subscription. They are called in the order of the stream; while a promise that one
 * returned is pending, what follows waits.
 */
export type StreamCallbacks = {
    onUpdate?: ((update: Update) => unknown) | undefined;
    /**
     * The first message on each connection.
     */
    onSchema?: ((schema: SchemaEvent) => unknown) | undefined;
    onGap?: ((gap: GapEvent) => unknown) | undefined;
    onReset?: ((reset: ResetEvent) => unknown) | undefined;
    onHeartbeat?: ((heartbeat: HeartbeatEvent) => unknown) | undefined;
    /**
     * With `recursive`: a node's stream ended.
     */
    onNodeClose?: ((close: CloseEvent) => unknown) | undefined;
    /**
     * The last one.
     */
    onClose?: ((close: CloseEvent) => unknown) | undefined;
    /**
     * An error that the subscription survives: a lost
     * connection, or one that a callback threw.
     */
    onError?: ((error: unknown) => unknown) | undefined;
};
export type SubscribeOptions = StreamOptions & StreamCallbacks;
export type ConnectionState = "connecting" | "open" | "reconnecting" | "closed";
export type Secret = string | (() => string | Promise<string>);
export type ClientOptions = {
    /**
     * An API key, or a function that returns one.
     */
    apiKey?: Secret | undefined;
    /**
     * An access token, or a function that returns a valid one.
     */
    token?: Secret | undefined;
    /**
     * The CSRF token of a session in a page.
     */
    csrf?: string | (() => string) | undefined;
    /**
     * The class to use where there is no global one, such as that of `ws`.
     */
    WebSocket?: any;
    fetch?: typeof fetch | undefined;
    /**
     * Seconds for which reads are repeated while the server cannot be
     * reached; 10 by default.
     */
    retryFor?: number | undefined;
    /**
     * Seconds for a WebSocket to open; 15 by default.
     */
    connectTimeout?: number | undefined;
    /**
     * Seconds without a message before the server is probed; 20 by
     * default.
     */
    idleBeforePing?: number | undefined;
    /**
     * Seconds of attempts to reconnect before subscriptions end; without
     * it there is no limit.
     */
    giveUpAfter?: number | undefined;
};
