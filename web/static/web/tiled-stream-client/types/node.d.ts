/** @import { Client } from "./client.js" */
/** @import { NodeInfo, ReadOptions, SearchOptions, SearchPage, StreamOptions, StreamCallbacks,
 *   SubscribeOptions } from "./types.js" */
/** A node. It is made without a request, and may be used whether or not the node exists yet. */
export class TiledNode {
    /**
     * @param {Client} client
     * @param {string[]} keys
     */
    constructor(client: Client, keys: string[]);
    client: Client;
    keys: string[];
    path: string;
    /**
     * Return the node at a path below this one.
     * @param {string | string[]} path
     */
    node(path: string | string[]): TiledNode;
    /**
     * Return the description of the node. Throws NotFound.
     * @param {{signal?: AbortSignal, dataSources?: boolean, selectMetadata?: string}} [options]
     * @returns {Promise<NodeInfo>}
     */
    info({ signal, dataSources, selectMetadata }?: {
        signal?: AbortSignal;
        dataSources?: boolean;
        selectMetadata?: string;
    }): Promise<NodeInfo>;
    /**
     * Return the metadata of the node.
     * @param {{signal?: AbortSignal}} [options]
     * @returns {Promise<Record<string, any>>}
     */
    metadata({ signal }?: {
        signal?: AbortSignal;
    }): Promise<Record<string, any>>;
    /**
     * Read the data: an `NDArray`, an `ArrowTable`, a `SparseArray`, or the nested lists of a ragged or
     * awkward array.
     * @param {ReadOptions} [options]
     * @returns {Promise<any>}
     */
    read(options?: ReadOptions): Promise<any>;
    /**
     * Search among the children of a container.
     * @param {SearchOptions} [options]
     * @returns {Promise<SearchPage>}
     */
    search(options?: SearchOptions): Promise<SearchPage>;
    /**
     * Yield all nodes that a search finds, page by page.
     * @param {SearchOptions} [options]
     * @returns {AsyncGenerator<NodeInfo, void, void>}
     */
    searchAll(options?: SearchOptions): AsyncGenerator<NodeInfo, void, void>;
    /**
     * Return the address of the data in a format (a media type, or a file extension), to be downloaded.
     * @param {Parameters<typeof partParams>[0]} [options]
     */
    exportUrl(options?: Parameters<typeof partParams>[0]): string;
    /**
     * Subscribe to the updates of the node.
     * @param {SubscribeOptions} [options]
     * @returns {Subscription}
     */
    subscribe(options?: SubscribeOptions): Subscription;
    /**
     * Iterate over the updates of the node, until its producer ends the stream. The iterator throws what
     * ends a subscription otherwise; to leave the loop closes the subscription.
     * @param {StreamOptions & Omit<StreamCallbacks, "onUpdate">} [options]
     * @returns {UpdateIterator}
     */
    updates(options?: StreamOptions & Omit<StreamCallbacks, "onUpdate">): UpdateIterator;
}
import type { Client } from "./client.js";
import type { NodeInfo } from "./types.js";
import type { ReadOptions } from "./types.js";
import type { SearchOptions } from "./types.js";
import type { SearchPage } from "./types.js";
import { partParams } from "./info.js";
import type { SubscribeOptions } from "./types.js";
import { Subscription } from "./stream/subscription.js";
import type { StreamOptions } from "./types.js";
import type { StreamCallbacks } from "./types.js";
import { UpdateIterator } from "./stream/iterator.js";
