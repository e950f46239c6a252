import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { decompress } from "../../../web/static/web/tiled-stream-client/src/data/decompression.js";
import * as lib from "./support.mjs";

const { client, CountedWebSocket, InvalidResponse, Recorded } = lib;

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
const cases = JSON.parse(readFileSync(process.env.TILED_COMPRESSED, "utf8")).map((one) => ({
  ...one,
  payload: bytes(one.payload),
  content: bytes(one.content),
}));
const small = cases.filter(({ payload }) => payload.length < 300);

/** A WebSocket on whose way the first payload of each encoding is damaged, and its length kept. */
class DamagingWebSocket extends CountedWebSocket {
  set onmessage(listener) {
    super.onmessage = listener && (({ data }) => listener({ data: this.damage(data) }));
  }

  damage(data) {
    if (typeof data === "string") return data;
    const frame = Buffer.from(data);
    const first = cases.find(({ streamed }) => streamed === 0);
    const at = frame.indexOf(first.payload);
    if (at >= 0) frame.fill(255, at + 20, at + first.payload.length);
    return new Uint8Array(frame).buffer;
  }
}

test("what compressors of Python write is decompressed, of each size, type and block", () => {
  assert.ok(cases.length > 100);
  for (const { name, encoding, payload, itemsize, shape, content } of cases) {
    // Anywhere in a frame.
    const frame = new Uint8Array(payload.length + 3);
    frame.set(payload, 3);
    const found = decompress(encoding, frame.subarray(3), { itemsize }, shape);
    assert.ok(Buffer.from(found).equals(Buffer.from(content)), name);
  }
});

test("a payload that is cut, longer or of another size is refused", () => {
  assert.ok(small.length > 20);
  for (const { name, encoding, payload, itemsize, shape } of small) {
    const refused = (part, lengths = shape) =>
      assert.throws(() => decompress(encoding, part, { itemsize }, lengths), InvalidResponse, name);
    for (let length = 0; length < payload.length; length++) refused(payload.subarray(0, length));
    refused(Uint8Array.of(...payload, 16));
    refused(payload, [...shape, 2]);
  }
});

test("bytes that were changed are refused, or other data of the same size", () => {
  let refused = 0;
  for (const { encoding, payload, itemsize, shape, content } of small) {
    for (let at = 0; at < payload.length; at++) {
      const changed = payload.slice();
      changed[at] ^= 1 << (at % 8);
      try {
        const found = decompress(encoding, changed, { itemsize }, shape);
        assert.equal(found.length, content.length);
      } catch (error) {
        assert.ok(error instanceof InvalidResponse, error.stack);
        refused += 1;
      }
    }
  }
  assert.ok(refused > 100);
});

test("updates in an accepted encoding come as they were sent, and their data as all others", async () => {
  const sent = cases.filter(({ streamed }) => streamed !== undefined);
  const all = async (options) => {
    const updates = [];
    for await (const update of client().node("compressed").updates({ start: 0, ...options })) {
      updates.push(update);
      if (updates.length === sent.length) break;
    }
    return updates;
  };
  const plain = await all({});
  const both = await all({ acceptEncoding: ["lz4", "bitshuffle-lz4"] });
  const one = await all({ acceptEncoding: ["lz4"] });
  const sliced = await all({ acceptEncoding: ["lz4", "bitshuffle-lz4"], slice: ":,1:3" });
  const names = (updates) => updates.map(({ message }) => message.encoding);
  assert.deepEqual(names(plain), sent.map(() => undefined));
  assert.deepEqual(names(both), sent.map(({ encoding }) => encoding));
  assert.deepEqual(new Set(names(one)), new Set(["lz4", undefined]));
  assert.deepEqual(names(sliced), sent.map(() => undefined));
  for (const [n, { payload, content }] of sent.entries()) {
    assert.deepEqual(both[n].payload, payload);
    assert.deepEqual(plain[n].payload, content);
    const expected = await plain[n].data();
    assert.deepEqual(await both[n].data(), expected);
    assert.deepEqual(await one[n].data(), expected);
  }
});

test("a damaged update is an error of its callback alone", async () => {
  const sent = cases.filter(({ streamed }) => streamed !== undefined);
  const node = client({ WebSocket: DamagingWebSocket }).node("compressed");
  const events = new Recorded(node, {
    start: 0,
    acceptEncoding: ["bitshuffle-lz4", "lz4"],
    onUpdate: async (update) => events.add("data", { update, array: await update.data() }),
  });
  const other = new Recorded(node, { start: 0 });
  await Promise.all([events.wait("data", sent.length - 1), other.wait("update", sent.length)]);
  const [error, ...more] = events.all("error");
  assert.ok(error instanceof InvalidResponse);
  assert.match(error.message, /^Payload of \d+ bytes in bitshuffle-lz4 .* \[1,\d+,\d+\]: /);
  assert.deepEqual([more, events.all("close"), other.all("error")], [[], [], []]);
  assert.deepEqual(
    events.all("data").map(({ update }) => update.sequence),
    sent.map((_, n) => n + 1).slice(1),
  );
  events.subscription.close();
  other.subscription.close();
});

test("an encoding that the client does not decode is refused at once", () => {
  const subscribe = () => client().node("compressed").subscribe({ acceptEncoding: ["blosc"] });
  assert.throws(subscribe, /RangeError: acceptEncoding may have lz4, bitshuffle-lz4, not 'blosc'/);
});
