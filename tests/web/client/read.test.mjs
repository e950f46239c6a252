import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { nest } from "../../../web/static/web/tiled-stream-client/src/decode.js";
import * as lib from "./support.mjs";

const { client, create, write, append } = lib;
const expected = JSON.parse(readFileSync(process.env.TILED_EXPECTED, "utf8"));

const plain = (value) => (typeof value === "bigint" ? String(value) : value);

test("arrays of every data type are read as they were written", async () => {
  const { items, total } = await client().node("arrays").search();
  assert.equal(total, Object.keys(expected).length);
  for (const info of items) {
    const array = await client().node(info.path).read({ info });
    assert.deepEqual(array.shape, info.structure.shape);
    const values = JSON.parse(JSON.stringify(nest(array), (_, value) => plain(value)));
    assert.deepEqual(values, expected[info.key], info.key);
  }
});

test("64-bit integers and times are exact, half precision is converted", async () => {
  const { dtype, data } = await client().node("times").read();
  assert.deepEqual(dtype, { kind: "M", itemsize: 8, littleEndian: true, units: "ns" });
  assert.deepEqual(data, BigInt64Array.of(1577836800000000001n, -(2n ** 63n)));
  const big = await client().node("arrays/u8-big").read();
  assert.deepEqual(big.data, BigUint64Array.of(2n ** 63n, 1n));
  assert.ok((await client().node("arrays/f2").read()).data instanceof Float32Array);
});

test("a slice is read without the rest", async () => {
  const node = client().node(["arrays", "u1"]);
  const { shape, data } = await node.read({ slice: "-1,::2" });
  assert.deepEqual([shape, [...data]], [[2], [3, 5]]);
  await assert.rejects(node.read({ slice: "2" }), RangeError);
});

test("the server reduces what is read", async () => {
  const node = client().node(["arrays", "u1"]);
  const { dtype, shape, data } = await node.read({ slice: ":,:2", reduce: "mean:2,2" });
  assert.deepEqual([dtype.kind + dtype.itemsize, shape, [...data]], ["f4", [1, 1], [2]]);
  const sum = await node.read({ reduce: "sum:2" });
  assert.deepEqual([sum.shape, sum.data], [[2, 2], BigUint64Array.of(1n, 2n, 7n, 5n)]);
});

test("nodes inside a file are read like others", async () => {
  const { items } = await client().node("file/entry").search();
  assert.deepEqual(items.map(({ path }) => path), ["file/entry/data"]);
  const array = await client().node("file/entry/data").read({ slice: "1" });
  assert.deepEqual([...array.data], [3, 4, 5]);
});

test("an array that grows is read in the shape that its description has", async () => {
  const path = await create("array", { shape: [2] });
  await write(path, [1, 2]);
  const node = client().node(path);
  const info = await node.info();
  await append(path, 2, [3]);
  assert.deepEqual((await node.read({ info })).shape, [2]);
  assert.deepEqual([...(await node.read({ slice: "::-1" })).data], [3, 2, 1]);
  // It was replaced by a smaller one: the description is read again.
  const stale = { ...info, structure: { ...info.structure, shape: [9] } };
  assert.deepEqual((await node.read({ info: stale })).shape, [3]);
});

test("tables are read by columns and rows, and very many columns are named in the body", async () => {
  const node = client().node("table");
  const table = await node.read({ columns: ["name", "x"], rows: [8] });
  assert.deepEqual(table.names, ["name", "x"]);
  assert.deepEqual(table.toArray(), [{ name: "n8", x: 8 }, { name: "n9", x: 9 }]);
  const columns = Array(1000).fill("x");
  assert.equal((await node.read({ columns, rows: [0, 1] })).getChild("x").at(0), 0);
  const exact = await node.read({ rows: [9], arrow: { useBigInt: true } });
  assert.equal(exact.getChild("x").at(0), 9n);
});

test("sparse, ragged and awkward arrays have forms of their own", async () => {
  const { shape, coords, data } = await client().node("sparse").read({ slice: "1:" });
  assert.deepEqual([shape, coords.map((axis) => [...axis]), [...data]], [[2, 4], [[1], [1]], [6]]);
  assert.deepEqual(await client().node("ragged").read(), [[1, 2], [], [3]]);
  assert.deepEqual(await client().node("ragged").read({ slice: "1:" }), [[], [3]]);
  assert.deepEqual((await client().node("awkward").read())[1], { x: 2, y: [], s: "ü", o: 3 });
  assert.equal((await client().node("awkward").read({ slice: "1:" }))[0].x, 2);
  await assert.rejects(client().node("arrays").read(), /container: it has no data/);
});

test("nodes are described, and found by metadata, text and key", async () => {
  const root = client().node();
  assert.equal((await root.info()).path, "");
  const info = await client().node("arrays").info();
  assert.deepEqual([info.key, info.family, info.specs], ["arrays", "container", []]);
  assert.deepEqual(info.metadata, { sample: "Cu", n: 1 });
  assert.deepEqual(await root.node("arrays").metadata(), info.metadata);
  assert.equal((await root.node("arrays/u1").info()).dataSources.length, 1);
  const keys = async (options) => (await root.search(options)).items.map(({ key }) => key);
  assert.deepEqual(await keys({ text: "Cu" }), ["arrays"]);
  assert.deepEqual(await keys({ filters: [{ filter: "eq", key: "sample", value: "Cu" }] }), [
    "arrays",
  ]);
  assert.deepEqual(await keys({ filters: [{ filter: "structure_family", value: "sparse" }] }), [
    "sparse",
  ]);
  assert.deepEqual(await keys({ filters: [{ filter: "keys_filter", keys: ["table"] }] }), [
    "table",
  ]);
  const deep = await root.search({ deep: true, filters: [{ filter: "keys_filter", keys: ["c8"] }] });
  assert.deepEqual(deep.items.map(({ path }) => path), ["arrays/c8"]);
  const fields = [];
  assert.equal((await root.search({ fields, limit: 1 })).items[0].structure, null);
});

test("all pages are walked through, in any order", async () => {
  for (const sort of [["id"], ["-"], undefined]) {
    const found = [];
    for await (const { key } of client().node("arrays").searchAll({ sort, limit: 4 })) {
      found.push(key);
    }
    assert.deepEqual(found.toSorted(), Object.keys(expected).toSorted());
  }
});

test("an export has an address", async () => {
  const options = { format: "csv", columns: ["x"], rows: [0, 2] };
  const url = client().node("table").exportUrl(options);
  const response = await fetch(url, { headers: { Authorization: `Apikey ${lib.KEY}` } });
  assert.equal((await response.text()).trim(), '"x"\n0\n1');
});

test("errors have the status and the explanation of the server", async () => {
  await assert.rejects(client().node("none").read(), (error) => {
    assert.ok(error instanceof lib.NotFound && error instanceof lib.TiledError);
    assert.deepEqual([error.status, error.detail], [404, "No such entry: ['none']"]);
    return true;
  });
  await assert.rejects(client({ apiKey: "wrong" }).node().info(), lib.Unauthorized);
  const fetch = async () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  await assert.rejects(client({ fetch, retryFor: 0 }).node().info(), lib.ServerError);
  await assert.rejects(
    lib.connect("http://127.0.0.1:1", { retryFor: 0 }).node().info(),
    lib.TransportError,
  );
});

test("a read can be aborted, also while it is repeated", async () => {
  const signal = AbortSignal.timeout(50);
  await assert.rejects(
    lib.connect("http://127.0.0.1:1").node().info({ signal }),
    { name: "TimeoutError" },
  );
});

test("a key that a function gives is renewed when the server refuses it", async () => {
  const keys = ["expired", lib.KEY];
  const renewing = client({ apiKey: async () => keys.shift() });
  assert.equal((await renewing.node("table").info()).family, "table");
  assert.deepEqual(keys, []);
});
