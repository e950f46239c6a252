// @ts-check
/** Descriptions of nodes, and pages of them. No I/O. */

import { sliceText } from "./slices.js";

/** @import { Filter, NodeInfo, SearchOptions, SearchPage } from "./types.js" */

/**
 * Return the description of a node from its resource in the HTTP API.
 * @param {any} resource
 * @returns {NodeInfo}
 */
export function nodeInfo(resource) {
  const { id, attributes, links } = resource;
  const ancestors = attributes.ancestors ?? [];
  return {
    id,
    path: [...ancestors, id].filter(Boolean).join("/"),
    key: id,
    ancestors,
    family: attributes.structure_family,
    structure: attributes.structure,
    metadata: attributes.metadata ?? {},
    specs: attributes.specs ?? [],
    sorting: attributes.sorting ?? null,
    dataSources: attributes.data_sources ?? null,
    timeCreated: attributes.time_created ?? null,
    timeUpdated: attributes.time_updated ?? null,
    accessTags: attributes.access_tags ?? null,
    links: links ?? {},
    raw: resource,
  };
}

/** Fields of filters that are JSON texts. */
const JSON_FIELDS = ["value", "pattern", "include", "exclude", "keys", "tags"];
/** Filters whose fields are all plain texts. */
const PLAIN = ["structure_family", "fulltext", "keypresent", "lookup", "regex"];

/**
 * Return the query parameters of a search.
 * @param {SearchOptions} options
 * @returns {Record<string, unknown>}
 */
export function searchParams(options) {
  /** @type {Record<string, unknown>} */
  const params = {
    "page[offset]": options.offset,
    "page[limit]": options.limit,
    "page[cursor]": options.cursor,
    sort: options.sort,
    max_depth: options.deep ? options.maxDepth : undefined,
    // Without a field, `fields` stands for none of them.
    fields: options.fields?.length === 0 ? "" : options.fields,
    select_metadata: options.selectMetadata,
  };
  const filters = [...(options.filters ?? [])];
  if (options.text) filters.push({ filter: "fulltext", text: options.text });
  for (const filter of filters) addFilter(params, filter);
  return params;
}

/**
 * @param {Record<string, any>} params
 * @param {Filter} filter
 */
function addFilter(params, { filter: name, ...fields }) {
  for (const [field, value] of Object.entries(fields)) {
    const json = JSON_FIELDS.includes(field) && !PLAIN.includes(name);
    // Fields of one filter belong together by their places, so that null must not be left out.
    const parameter = `filter[${name}][condition][${field}]`;
    (params[parameter] ??= []).push(json ? JSON.stringify(value) : String(value));
  }
}

/**
 * Return a page from the response to a search.
 * @param {any} response
 * @returns {SearchPage}
 */
export function searchPage({ data, links, meta }) {
  return {
    items: data.map(nodeInfo),
    total: meta?.count ?? null,
    next: links?.next ? nextCursor(links.next) : null,
  };
}

/**
 * Return what to pass as `cursor` for the next page: a cursor, or `@` and an offset where the listing
 * is sorted by something that cursors do not know.
 * @param {string} link
 */
function nextCursor(link) {
  const query = new URL(link).searchParams;
  const cursor = query.get("page[cursor]");
  if (cursor !== null) return cursor;
  const offset = query.get("page[offset]");
  return offset === null ? null : `@${offset}`;
}

/**
 * Replace a cursor that stands for an offset.
 * @param {SearchOptions} options
 * @returns {SearchOptions}
 */
export function resolveCursor(options) {
  const { cursor } = options;
  if (!cursor?.startsWith("@")) return options;
  return { ...options, cursor: null, offset: Number(cursor.slice(1)) };
}

/**
 * Return the query parameters that name a part of a node's data.
 * @param {{slice?: import("./types.js").SliceLike | null, reduce?: string | null,
 *   columns?: string[] | null, rows?: [number, number?] | null, format?: string,
 *   filename?: string}} options
 * @returns {Record<string, unknown>}
 */
export function partParams({ slice, reduce, columns, rows, format, filename }) {
  return {
    slice: sliceText(slice),
    reduce,
    column: columns,
    rows: rows && `${rows[0]}:${rows[1] ?? ""}`,
    format,
    filename,
  };
}
