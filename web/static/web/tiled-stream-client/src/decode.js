// @ts-check
/** Decoders of data, as pure functions: for use in a worker, they need neither a page nor a network. */

export { decodeArray, dtypeOf, nest } from "./data/arrays.js";
export { decodeAwkward, decodeRagged } from "./data/awkward.js";
export { decodeSparse, decodeTable } from "./data/tables.js";
export { parseSlice, reducedDataType, reducedShape, slicedShape } from "./slices.js";
