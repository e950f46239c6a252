import assert from "node:assert/strict";
import test from "node:test";
import {
  decodeArray,
  decodeAwkward,
  nest,
  parseSlice,
  reducedDataType,
  reducedShape,
  slicedShape,
} from "../../../web/static/web/tiled-stream-client/src/decode.js";
import {
  formatSlice,
  pinSlice,
} from "../../../web/static/web/tiled-stream-client/src/slices.js";
import { parseAddress, rebase } from "../../../web/static/web/tiled-stream-client/src/address.js";
import { ServerClock } from "../../../web/static/web/tiled-stream-client/src/stream/clock.js";
import { Delivery } from "../../../web/static/web/tiled-stream-client/src/stream/delivery.js";
import { mergeLatest } from "../../../web/static/web/tiled-stream-client/src/stream/merge.js";
import { parseTime } from "../../../web/static/web/tiled-stream-client/src/stream/times.js";

const type = (kind, itemsize, endianness = "little") => ({ kind, itemsize, endianness });

test("bytes anywhere in a frame are decoded, and a swap leaves them as they are", () => {
  const frame = Uint8Array.of(9, 1, 0, 0, 0, 2, 0, 0, 0);
  const payload = frame.subarray(1);
  assert.deepEqual(decodeArray(payload, type("i", 4), [2]).data, Int32Array.of(1, 2));
  const big = decodeArray(payload, type("i", 4, "big"), [2]);
  assert.deepEqual(big.data, Int32Array.of(2 ** 24, 2 ** 25));
  assert.deepEqual(big.dtype, { kind: "i", itemsize: 4, littleEndian: false, units: null });
  assert.deepEqual([...frame], [9, 1, 0, 0, 0, 2, 0, 0, 0]);
});

test("bytes that do not fit the shape are refused", () => {
  assert.throws(() => decodeArray(new Uint8Array(7), type("i", 4), [2]), /has 7 bytes/);
  assert.throws(() => decodeArray(new Uint8Array(16), type("f", 16), [1]), /f16 is not supported/);
});

test("the other byte order is swapped in elements of each width", () => {
  const numbers = [1, 0x0203, 0x7fff, 0xfedc];
  for (const [kind, itemsize, write] of [
    ["u", 2, "setUint16"],
    ["u", 4, "setUint32"],
    ["f", 8, "setFloat64"],
  ]) {
    const view = new DataView(new ArrayBuffer(itemsize * numbers.length));
    numbers.forEach((number, n) => view[write](n * itemsize, number));
    const bytes = new Uint8Array(view.buffer);
    assert.deepEqual([...decodeArray(bytes, type(kind, itemsize, "big"), [4]).data], numbers);
  }
});

test("half precision has subnormal numbers, infinities and NaN", () => {
  const halves = Uint16Array.of(0x0001, 0x7bff, 0x7c00, 0xfc00, 0x7e00, 0x8000);
  const { data } = decodeArray(new Uint8Array(halves.buffer), type("f", 2), [6]);
  assert.deepEqual([...data], [2 ** -24, 65504, Infinity, -Infinity, NaN, -0]);
});

test("slices select what they select in Python", () => {
  const shapes = [
    ["", [4, 5], "0:4,0:5", [4, 5]],
    ["1", [4, 5], "1,0:5", [5]],
    ["-1,::-1", [4, 5], "3,4::-1", [5]],
    ["...,1:", [2, 4, 5], "0:2,0:4,1:5", [2, 4, 4]],
    ["[-3:-1, ::2]", [4, 5], "1:3,0:5:2", [2, 3]],
    ["3:1,10:20", [4, 5], "3:3,5:5", [0, 0]],
    [[[0, 2], null, 1], [4, 5, 6], "0:2,0:5,1", [2, 5]],
  ];
  for (const [text, shape, pinned, sliced] of shapes) {
    const items = pinSlice(parseSlice(text, shape.length), shape);
    assert.equal(formatSlice(items), pinned);
    assert.deepEqual(slicedShape(shape, items), sliced);
  }
  assert.throws(() => parseSlice("1:2:0"), /step must not be zero/);
  assert.throws(() => parseSlice("a"), /Invalid slice part/);
  assert.throws(() => pinSlice(parseSlice("4"), [4]), /out of range/);
  assert.throws(() => pinSlice(parseSlice("0,0"), [4]), /1 dimensions/);
});

test("reductions have the shape and the data type that the server documents", () => {
  assert.deepEqual(reducedShape([3, 10, 7], "mean:4,4"), [3, 3, 2]);
  assert.throws(() => reducedShape([3], "mean:4,4"), /2 factors/);
  assert.throws(() => reducedShape([3], "median:4"), /must be one of/);
  const result = (kind, itemsize, reduce) => {
    const reduced = reducedDataType(type(kind, itemsize), reduce);
    return reduced.kind + reduced.itemsize;
  };
  assert.equal(result("u", 2, "mean:2"), "f4");
  assert.equal(result("i", 8, "mean:2"), "f8");
  assert.equal(result("f", 2, "mean:2"), "f2");
  assert.equal(result("u", 2, "sum:2"), "u8");
  assert.equal(result("b", 1, "sum:2"), "u8");
  assert.equal(result("f", 4, "sum:2"), "f8");
  assert.equal(result("c", 8, "sum:2"), "c16");
  assert.equal(result("u", 2, "max:2"), "u2");
});

test("addresses of servers, nodes, and links through a proxy", () => {
  const root = "https://host/tiled/api/v1";
  const page = "https://host/tiled/ui/browse/a";
  assert.equal(parseAddress("https://host/tiled/").root, root);
  assert.equal(parseAddress("https://host/tiled/api/v1/metadata/a/b").root, root);
  assert.equal(parseAddress("/tiled/api/v1", page).root, root);
  assert.equal(parseAddress("https://host?api_key=abc").apiKey, "abc");
  const link = "http://inner:8000/api/v1/array/full/a%20b?slice=0:1";
  assert.equal(rebase(root, link), `${root}/array/full/a%20b?slice=0:1`);
});

test("times have microseconds", () => {
  assert.equal(parseTime("2026-01-01T00:00:00.123456Z"), Date.UTC(2026) + 123.456);
  assert.equal(parseTime("2026-01-01T00:00:00Z"), Date.UTC(2026));
});

test("the server's clock is known by the response with the shortest round trip", () => {
  const clock = new ServerClock();
  assert.equal(clock.offset, null);
  clock.add(NaN, 1, 1000);
  assert.equal(clock.offset, null);
  clock.add(5000, 400, 1000); // received at 5200 of the server at best
  assert.equal(clock.offset, 4200);
  clock.add(6000, 20, 2000);
  clock.add(9000, 400, 3000);
  assert.equal(clock.offset, 4010);
  for (let n = 0; n < 8; n += 1) clock.add(7000, 30, 2000);
  assert.equal(clock.offset, 5015);
});

test("a slow callback delays what follows, and the buffer says when it is full", async () => {
  const seen = [];
  const calls = [];
  let release;
  const delivery = new Delivery({
    handle: (event) => {
      seen.push(event.size);
      return event.size === 1 ? new Promise((resolve) => (release = resolve)) : undefined;
    },
    onError: assert.fail,
    limit: 10,
    onFull: () => calls.push("full"),
    onDrained: () => calls.push("drained"),
  });
  for (const size of [1, 6, 6, 6]) delivery.push({ kind: "update", size });
  assert.deepEqual([seen, calls], [[1], ["full"]]);
  release();
  await new Promise(setImmediate);
  assert.deepEqual([seen, calls], [[1, 6, 6, 6], ["full", "drained"]]);
});

test("policy latest leaves the newest update of those that wait, and a gap", () => {
  const update = (sequence, missed = 0, type = "array-data") => ({
    kind: "update",
    message: { type, sequence, epoch: "e" },
    schema: { path: "a" },
    missed,
    size: 8,
  });
  const queue = [update(2)];
  assert.ok(mergeLatest(queue, update(3)));
  assert.ok(mergeLatest(queue, update(4)));
  const gap = { path: "a", epoch: "e", from: 2, to: 3, count: 2, reason: "skipped", uri: null };
  assert.deepEqual(queue, [{ kind: "gap", event: gap, size: 0 }, update(4, 2)]);
  assert.equal(mergeLatest([update(1)], update(2, 0, "container-child-created")), false);
  assert.equal(mergeLatest([], update(2)), false);
});

test("awkward arrays of all kinds of nodes", () => {
  const ints = (Class, ...values) => new Uint8Array(Class.from(values).buffer);
  const form = {
    class: "UnionArray",
    tags: "i8",
    index: "i64",
    form_key: "u",
    contents: [
      {
        class: "ByteMaskedArray",
        valid_when: true,
        form_key: "m",
        content: {
          class: "RegularArray",
          size: 2,
          form_key: "r",
          content: { class: "NumpyArray", primitive: "bool", inner_shape: [], form_key: "b" },
        },
      },
      {
        class: "BitMaskedArray",
        valid_when: false,
        lsb_order: true,
        form_key: "k",
        content: {
          class: "ListOffsetArray",
          offsets: "i64",
          parameters: { __array__: "string" },
          form_key: "s",
          content: { class: "NumpyArray", primitive: "uint8", inner_shape: [], form_key: "c" },
        },
      },
    ],
  };
  const members = {
    "u-tags": ints(Int8Array, 0, 1, 0, 1),
    "u-index": ints(BigInt64Array, 0n, 0n, 1n, 1n),
    "m-mask": ints(Int8Array, 1, 0),
    "b-data": Uint8Array.of(1, 0, 1, 1),
    "k-mask": Uint8Array.of(0b10),
    "s-offsets": ints(BigInt64Array, 0n, 3n, 3n),
    "c-data": new TextEncoder().encode("hé"),
  };
  assert.deepEqual(decodeAwkward(zip(members), form, 4), [[true, false], "hé", null, null]);
  assert.throws(() => decodeAwkward(zip({}), form, 4), /is missing/);
  assert.throws(() => decodeAwkward(new Uint8Array(30), form, 4), /ZIP file was expected/);
});

test("nested lists of an array follow its shape", () => {
  assert.deepEqual(nest(decodeArray(new Uint8Array(0), type("i", 4), [2, 0])), [[], []]);
  assert.equal(nest(decodeArray(Uint8Array.of(1), type("b", 1), [])), true);
});

/** A ZIP file whose members are stored. */
function zip(members) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, content] of Object.entries(members)) {
    const encoded = Buffer.from(name);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(encoded.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt32LE(content.length, 20);
    entry.writeUInt16LE(encoded.length, 28);
    entry.writeUInt32LE(at, 42);
    parts.push(local, encoded, content);
    directory.push(entry, encoded);
    at += 30 + encoded.length + content.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(members).length, 10);
  end.writeUInt32LE(at, 16);
  return new Uint8Array(Buffer.concat([...parts, ...directory, end]));
}
