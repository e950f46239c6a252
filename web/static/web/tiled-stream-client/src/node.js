// @ts-check
/** A node of the server, by its path. */

import { nodeInfo, partParams, resolveCursor, searchPage, searchParams } from "./info.js";
import { readNode } from "./read.js";
import { UpdateIterator } from "./stream/iterator.js";
import { Subscription } from "./stream/subscription.js";

/** @import { Client } from "./client.js" */
/** @import { NodeInfo, ReadOptions, SearchOptions, SearchPage, StreamOptions, StreamCallbacks,
 *   SubscribeOptions } from "./types.js" */

/** A node. It is made without a request, and may be used whether or not the node exists yet. */
export class TiledNode {
  /**
   * @param {Client} client
   * @param {string[]} keys
   */
  constructor(client, keys) {
    this.client = client;
    this.keys = keys;
    this.path = keys.join("/");
  }

  /**
   * Return the node at a path below this one.
   * @param {string | string[]} path
   */
  node(path) {
    const below = typeof path === "string" ? path.split("/") : path;
    return this.client.node([...this.keys, ...below]);
  }

  /**
   * Return the description of the node. Throws NotFound.
   * @param {{signal?: AbortSignal, dataSources?: boolean, selectMetadata?: string}} [options]
   * @returns {Promise<NodeInfo>}
   */
  async info({ signal, dataSources = true, selectMetadata } = {}) {
    const { http } = this.client;
    const params = {
      include_data_sources: dataSources || null,
      select_metadata: selectMetadata,
    };
    const response = await http.json(http.url("metadata", this.keys, params), { signal });
    return nodeInfo(response.data);
  }

  /**
   * Return the metadata of the node.
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Record<string, any>>}
   */
  async metadata({ signal } = {}) {
    const { http } = this.client;
    const url = http.url("metadata", this.keys, { fields: "metadata" });
    return (await http.json(url, { signal })).data.attributes.metadata;
  }

  /**
   * Read the data: an `NDArray`, an `ArrowTable`, a `SparseArray`, or the nested lists of a ragged or
   * awkward array.
   * @param {ReadOptions} [options]
   * @returns {Promise<any>}
   */
  async read(options = {}) {
    const { signal } = options;
    const describe = () => this.info({ signal, dataSources: false });
    return readNode(this.client.http, this.keys, describe, options);
  }

  /**
   * Search among the children of a container.
   * @param {SearchOptions} [options]
   * @returns {Promise<SearchPage>}
   */
  async search(options = {}) {
    const { http } = this.client;
    const endpoint = options.deep ? "search-deep" : "search";
    const url = http.url(endpoint, this.keys, searchParams(resolveCursor(options)));
    return searchPage(await http.json(url, { signal: options.signal }));
  }

  /**
   * Yield all nodes that a search finds, page by page.
   * @param {SearchOptions} [options]
   * @returns {AsyncGenerator<NodeInfo, void, void>}
   */
  async *searchAll(options = {}) {
    let page = await this.search(options);
    yield* page.items;
    while (page.next !== null) {
      page = await this.search({ ...options, offset: undefined, cursor: page.next });
      yield* page.items;
    }
  }

  /**
   * Return the address of the data in a format (a media type, or a file extension), to be downloaded.
   * @param {Parameters<typeof partParams>[0]} [options]
   */
  exportUrl(options = {}) {
    return this.client.http.url("node/full", this.keys, partParams(options));
  }

  /**
   * Subscribe to the updates of the node.
   * @param {SubscribeOptions} [options]
   * @returns {Subscription}
   */
  subscribe(options = {}) {
    return new Subscription(this.client.connection, this.client.http, this.keys, options);
  }

  /**
   * Iterate over the updates of the node, until its producer ends the stream. The iterator throws what
   * ends a subscription otherwise; to leave the loop closes the subscription.
   * @param {StreamOptions & Omit<StreamCallbacks, "onUpdate">} [options]
   * @returns {UpdateIterator}
   */
  updates(options = {}) {
    return new UpdateIterator((callbacks) => this.subscribe(callbacks), options);
  }
}
