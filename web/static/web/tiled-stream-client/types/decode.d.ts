export { decodeArray, dtypeOf, nest } from "./data/arrays.js";
export { decodeAwkward, decodeRagged } from "./data/awkward.js";
export { decodeSparse, decodeTable } from "./data/tables.js";
export { parseSlice, reducedDataType, reducedShape, slicedShape } from "./slices.js";
