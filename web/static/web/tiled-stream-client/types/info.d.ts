/** @import { Filter, NodeInfo, SearchOptions, SearchPage } from "./types.js" */
/**
 * Return the description of a node from its resource in the HTTP API.
 * @param {any} resource
 * @returns {NodeInfo}
 */
export function nodeInfo(resource: any): NodeInfo;
/**
 * Return the query parameters of a search.
 * @param {SearchOptions} options
 * @returns {Record<string, unknown>}
 */
export function searchParams(options: SearchOptions): Record<string, unknown>;
/**
 * Return a page from the response to a search.
 * @param {any} response
 * @returns {SearchPage}
 */
export function searchPage({ data, links, meta }: any): SearchPage;
/**
 * Replace a cursor that stands for an offset.
 * @param {SearchOptions} options
 * @returns {SearchOptions}
 */
export function resolveCursor(options: SearchOptions): SearchOptions;
/**
 * Return the query parameters that name a part of a node's data.
 * @param {{slice?: import("./types.js").SliceLike | null, reduce?: string | null,
 *   columns?: string[] | null, rows?: [number, number?] | null, format?: string,
 *   filename?: string}} options
 * @returns {Record<string, unknown>}
 */
export function partParams({ slice, reduce, columns, rows, format, filename }: {
    slice?: import("./types.js").SliceLike | null;
    reduce?: string | null;
    columns?: string[] | null;
    rows?: [number, number?] | null;
    format?: string;
    filename?: string;
}): Record<string, unknown>;
import type { NodeInfo } from "./types.js";
import type { SearchOptions } from "./types.js";
import type { SearchPage } from "./types.js";
