// @ts-check
/** Decode awkward arrays from their form and buffers into nested lists and objects. No I/O. */

import { InvalidResponse } from "../errors.js";
import { decodeArray, nest } from "./arrays.js";
import { readZip } from "./zip.js";

/** @import { TypedArray } from "../types.js" */

/** @typedef {{class: string, form_key: string} & Record<string, any>} Form */

/** @typedef {(index: number) => any} Getter */

/** @typedef {Map<string, Uint8Array>} Buffers */

/** @type {Record<string, [string, number]>} */
const PRIMITIVES = {
  bool: ["b", 1],
  int8: ["i", 1],
  int16: ["i", 2],
  int32: ["i", 4],
  int64: ["i", 8],
  uint8: ["u", 1],
  uint16: ["u", 2],
  uint32: ["u", 4],
  uint64: ["u", 8],
  float16: ["f", 2],
  float32: ["f", 4],
  float64: ["f", 8],
  complex64: ["c", 8],
  complex128: ["c", 16],
  datetime64: ["M", 8],
  timedelta64: ["m", 8],
};

/**
 * Decode the ZIP file of an awkward array.
 * @param {Uint8Array} bytes
 * @param {Form} form
 * @param {number} length
 * @returns {any[]}
 */
export function decodeAwkward(bytes, form, length) {
  return list(getter(form, readZip(bytes)), 0, length);
}

/**
 * Decode the ZIP file of a ragged array, which has its form and length in it.
 * @param {Uint8Array} bytes
 * @returns {any[]}
 */
export function decodeRagged(bytes) {
  const buffers = readZip(bytes);
  const form = buffers.get("form");
  const length = buffers.get("length");
  if (!form || !length) throw new InvalidResponse("A ragged array has no form, or no length.");
  // The form is JSON in a JSON text.
  let value = JSON.parse(new TextDecoder().decode(form));
  if (typeof value === "string") value = JSON.parse(value);
  const rows = new DataView(length.buffer, length.byteOffset, 8).getBigUint64(0);
  return list(getter(value, buffers), 0, Number(rows));
}

/**
 * @param {Getter} get
 * @param {number} start
 * @param {number} stop
 */
function list(get, start, stop) {
  const result = [];
  for (let n = start; n < stop; n++) result.push(get(n));
  return result;
}

/**
 * Return the function that gives an item of an array of that form.
 * @param {Form} form
 * @param {Buffers} buffers
 * @returns {Getter}
 */
function getter(form, buffers) {
  const build = BUILDERS[form.class.replace(/64$|32$|U32$|_8$/, "")] ?? BUILDERS[form.class];
  if (!build) throw new InvalidResponse(`Awkward arrays of ${form.class} are not supported.`);
  return build(form, buffers);
}

/** @type {Record<string, (form: Form, buffers: Buffers) => Getter>} */
const BUILDERS = {
  EmptyArray: () => () => undefined,
  NumpyArray: numpy,
  RegularArray: (form, buffers) => {
    const content = getter(form.content, buffers);
    const wrap = wrapper(form);
    return (n) => wrap(list(content, n * form.size, (n + 1) * form.size));
  },
  ListOffsetArray: (form, buffers) => {
    const offsets = integers(form, buffers, "offsets", form.offsets);
    return lists(form, buffers, (n) => [offsets(n), offsets(n + 1)]);
  },
  ListArray: (form, buffers) => {
    const starts = integers(form, buffers, "starts", form.starts);
    const stops = integers(form, buffers, "stops", form.stops);
    return lists(form, buffers, (n) => [starts(n), stops(n)]);
  },
  RecordArray: (form, buffers) => {
    const contents = form.contents.map((/** @type {Form} */ one) => getter(one, buffers));
    if (!form.fields) return (n) => contents.map((/** @type {Getter} */ get) => get(n));
    return (n) =>
      Object.fromEntries(form.fields.map((/** @type {string} */ name, /** @type {number} */ at) => [
        name,
        contents[at](n),
      ]));
  },
  IndexedArray: indexed,
  IndexedOptionArray: indexed,
  UnmaskedArray: (form, buffers) => getter(form.content, buffers),
  ByteMaskedArray: (form, buffers) => {
    const content = getter(form.content, buffers);
    const mask = integers(form, buffers, "mask", "i8");
    return (n) => (Boolean(mask(n)) === form.valid_when ? content(n) : null);
  },
  BitMaskedArray: (form, buffers) => {
    const content = getter(form.content, buffers);
    const mask = integers(form, buffers, "mask", "u8");
    return (n) => {
      const bit = form.lsb_order ? n % 8 : 7 - (n % 8);
      const set = ((mask(n >> 3) >> bit) & 1) === 1;
      return set === form.valid_when ? content(n) : null;
    };
  },
  UnionArray: (form, buffers) => {
    const contents = form.contents.map((/** @type {Form} */ one) => getter(one, buffers));
    const tags = integers(form, buffers, "tags", form.tags ?? "i8");
    const index = integers(form, buffers, "index", form.index);
    return (n) => contents[tags(n)](index(n));
  },
};

/**
 * @param {Form} form
 * @param {Buffers} buffers
 * @returns {Getter}
 */
function indexed(form, buffers) {
  const content = getter(form.content, buffers);
  const index = integers(form, buffers, "index", form.index);
  return (n) => (index(n) < 0 ? null : content(index(n)));
}

/**
 * @param {Form} form
 * @param {Buffers} buffers
 * @param {(index: number) => [number, number]} ends
 * @returns {Getter}
 */
function lists(form, buffers, ends) {
  const wrap = wrapper(form);
  const content = getter(form.content, buffers);
  return (n) => wrap(list(content, ...ends(n)));
}

/**
 * Return what turns a list of characters into a string, where the form says that it is one.
 * @param {Form} form
 * @returns {(items: any[]) => any}
 */
function wrapper(form) {
  const kind = form.parameters?.__array__;
  if (kind === "string") return (items) => new TextDecoder().decode(Uint8Array.from(items));
  if (kind === "bytestring") return (items) => Uint8Array.from(items);
  return (items) => items;
}

/**
 * @param {Form} form
 * @param {Buffers} buffers
 * @returns {Getter}
 */
function numpy(form, buffers) {
  const name = form.primitive.replace(/\[.*/, "");
  const [kind, itemsize] = PRIMITIVES[name] ?? ["V", 0];
  const inner = form.inner_shape ?? [];
  const count = inner.reduce((/** @type {number} */ all, /** @type {number} */ n) => all * n, 1);
  const bytes = buffer(form, buffers, "data");
  const items = Math.floor(bytes.byteLength / (itemsize * count || 1));
  const used = bytes.subarray(0, items * itemsize * count);
  const dataType = { kind, itemsize, endianness: "little" };
  const array = decodeArray(used, dataType, [items, ...inner]);
  if (!inner.length && kind !== "c" && kind !== "b") {
    return (n) => plain(/** @type {any} */ (array.data)[n]);
  }
  const nested = nest(array);
  return (n) => nested[n];
}

/**
 * Return a number for an integer of 64 bits where it has one, as in JSON.
 * @param {unknown} value
 */
function plain(value) {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/**
 * @param {Form} form
 * @param {Buffers} buffers
 * @param {string} attribute
 * @param {string} type Awkward Array's name of an integer type, such as `i64`.
 * @returns {(index: number) => number}
 */
function integers(form, buffers, attribute, type) {
  const bytes = buffer(form, buffers, attribute);
  const itemsize = Number(type.slice(1)) / 8;
  const items = Math.floor(bytes.byteLength / itemsize);
  const dataType = { kind: type[0], itemsize, endianness: "little" };
  const { data } = decodeArray(bytes.subarray(0, items * itemsize), dataType, [items]);
  return (n) => Number(data[n]);
}

/**
 * @param {Form} form
 * @param {Buffers} buffers
 * @param {string} attribute
 */
function buffer(form, buffers, attribute) {
  const found = buffers.get(`${form.form_key}-${attribute}`);
  if (!found) throw new InvalidResponse(`The buffer ${form.form_key}-${attribute} is missing.`);
  return found;
}
