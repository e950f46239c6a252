// @ts-check
/** The worker that converts arrays: a separate file, as content policies forbid workers made of text. */

import { decodeArray } from "./arrays.js";

// Without an origin to name, as the type of a window's function would have it.
const post = /** @type {(message: any, transfer: Transferable[]) => void} */ (
  /** @type {unknown} */ (globalThis.postMessage)
);

addEventListener("message", ({ data: { id, bytes, dataType, shape } }) => {
  const array = decodeArray(bytes, dataType, shape);
  const { buffer } = /** @type {import("../types.js").TypedArray} */ (array.data);
  post({ id, array }, [/** @type {ArrayBuffer} */ (buffer)]);
});
