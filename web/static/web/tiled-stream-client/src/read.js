// @ts-check
/** Read the data of nodes, each family in its own format. */

import { convertArray } from "./data/conversion.js";
import { decodeSparse, decodeTable } from "./data/tables.js";
import { InvalidResponse } from "./errors.js";
import { partParams } from "./info.js";
import {
  formatSlice,
  parseSlice,
  pinSlice,
  reducedDataType,
  reducedShape,
  slicedShape,
} from "./slices.js";

/** @import { Http } from "./http.js" */
/** @import { ArrowTable, DataType, NDArray, NodeInfo, ReadOptions, SparseArray } from "./types.js" */

const ARROW = "application/vnd.apache.arrow.file";
const NUMBERS = "application/octet-stream";
/** Longer addresses are refused by some proxies; columns then go in the body. */
const LONGEST_ADDRESS = 4000;
/** How often an array is read that was replaced by one of another shape meanwhile. */
const ATTEMPTS = 3;

/**
 * Read a node of any family that has data.
 * @param {Http} http
 * @param {readonly string[]} keys
 * @param {() => Promise<NodeInfo>} describe Requests the description of the node.
 * @param {ReadOptions} options
 */
export async function readNode(http, keys, describe, options) {
  const info = options.info ?? (await describe());
  switch (info.family) {
    case "array":
    case "sparse":
      return readArray(http, keys, info, describe, options);
    case "table":
      return readTable(http, http.url("table/full", keys), options);
    case "ragged":
    case "awkward": {
      const { slice } = options;
      const url = http.url(`${info.family}/full`, keys, partParams({ slice }));
      return http.json(url, { signal: options.signal });
    }
    default:
      throw new TypeError(`The node at ${info.path} is of family ${info.family}: it has no data.`);
  }
}

/**
 * @param {Http} http
 * @param {readonly string[]} keys
 * @param {NodeInfo} info
 * @param {() => Promise<NodeInfo>} describe
 * @param {ReadOptions} options
 * @returns {Promise<NDArray | SparseArray>}
 */
async function readArray(http, keys, info, describe, options) {
  for (let attempt = 1; ; attempt++) {
    const { shape, data_type: dataType } = info.structure;
    // An array that grows between the two requests must not change the shape of this part.
    const items = pinSlice(parseSlice(options.slice, shape.length), shape);
    const { reduce } = options;
    const url = http.url("array/full", keys, { slice: formatSlice(items) || null, reduce });
    const part = partOf(dataType, slicedShape(shape, items), reduce);
    try {
      return await fetchArray(http, url, part, info.family === "sparse", options.signal);
    } catch (error) {
      if (!(error instanceof InvalidResponse) || attempt === ATTEMPTS) throw error;
      info = await describe();
    }
  }
}

/**
 * @param {DataType} dataType
 * @param {number[]} shape
 * @param {string | null | undefined} reduce
 */
export function partOf(dataType, shape, reduce) {
  if (!reduce) return { dataType, shape };
  return { dataType: reducedDataType(dataType, reduce), shape: reducedShape(shape, reduce) };
}

/**
 * Fetch the part of an array that an address names.
 * @param {Http} http
 * @param {string} url
 * @param {{dataType: DataType, shape: number[]}} part
 * @param {boolean} sparse
 * @param {AbortSignal} [signal]
 * @returns {Promise<NDArray | SparseArray>}
 */
export async function fetchArray(http, url, { dataType, shape }, sparse, signal) {
  const bytes = await http.bytes(url, { accept: sparse ? ARROW : NUMBERS, signal });
  return sparse ? decodeSparse(bytes, shape) : convertArray(bytes, dataType, shape);
}

/**
 * Read a table, or the rows and columns of it that are requested.
 * @param {Http} http
 * @param {string} url The address of the table.
 * @param {Pick<ReadOptions, "columns" | "rows" | "arrow" | "signal">} options
 * @returns {Promise<ArrowTable>}
 */
export async function readTable(http, url, { columns, rows, arrow, signal }) {
  const address = new URL(url);
  if (rows) address.searchParams.set("rows", `${rows[0]}:${rows[1] ?? ""}`);
  const posted = new URL(address);
  for (const name of columns ?? []) address.searchParams.append("column", name);
  const common = { accept: ARROW, signal };
  const long = address.href.length > LONGEST_ADDRESS;
  const headers = { "Content-Type": "application/json" };
  const bytes = long
    ? await http.bytes(posted.href, {
        ...common,
        method: "POST",
        body: JSON.stringify(columns),
        headers,
        repeatable: true,
      })
    : await http.bytes(address.href, common);
  return decodeTable(bytes, arrow);
}
