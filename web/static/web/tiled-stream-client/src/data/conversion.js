// @ts-check
/**
 * Convert large arrays in a worker, so that the page does not wait for it.
 *
 * Most arrays are views of the bytes that came, which takes no time. Half precision and the other
 * byte order have to be converted: 3 to 10 ms for 4 MB. Where no worker can be started (Node, old
 * browsers), it is done here.
 */

import { decodeArray } from "./arrays.js";

/** @import { DataType, NDArray } from "../types.js" */

// Smaller arrays are converted before a worker would have answered.
const MIN_WORKER_BYTES = 2 ** 18;

/** null: not started yet; undefined: there is none. @type {Worker | null | undefined} */
let worker = null;
let lastId = 0;
/** @type {Map<number, {done: (array: NDArray) => void, here: () => void}>} */
const waiting = new Map();

/**
 * Decode an array like `decodeArray`, in a worker if that takes long.
 * @param {Uint8Array} bytes
 * @param {DataType} dataType
 * @param {readonly number[]} shape
 * @returns {NDArray | Promise<NDArray>}
 */
export function convertArray(bytes, dataType, shape) {
  const size = shape.reduce((product, length) => product * length, dataType.itemsize);
  // Bytes of another number are refused by `decodeArray`.
  const found = isCostly(dataType) && size === bytes.length && size >= MIN_WORKER_BYTES && start();
  if (!found) return decodeArray(bytes, dataType, shape);
  return new Promise((done, fail) => {
    const id = (lastId += 1);
    const here = () => {
      try {
        done(decodeArray(bytes, dataType, shape));
      } catch (error) {
        fail(error);
      }
    };
    waiting.set(id, { done, here });
    // A copy is handed over: the bytes are part of a message that others may read.
    const copy = bytes.slice();
    found.postMessage({ id, bytes: copy, dataType, shape }, [copy.buffer]);
  });
}

/** @param {DataType} dataType */
function isCostly(dataType) {
  if ("fields" in dataType || "USV".includes(dataType.kind)) return false;
  const { kind, itemsize, endianness } = dataType;
  return (endianness === "big" && itemsize > 1) || (kind === "f" && itemsize === 2);
}

/** @returns {Worker | undefined} */
function start() {
  if (worker !== null) return worker;
  worker = undefined;
  if (typeof Worker === "undefined") return worker;
  try {
    worker = new Worker(new URL("./array-worker.js", import.meta.url), { type: "module" });
  } catch {
    // A page of another origin may not start it.
    return worker;
  }
  worker.onmessage = ({ data: { id, array } }) => {
    waiting.get(id)?.done(array);
    waiting.delete(id);
  };
  worker.onerror = () => {
    worker = undefined;
    for (const { here } of waiting.values()) here();
    waiting.clear();
  };
  return worker;
}
