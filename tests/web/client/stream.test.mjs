import assert from "node:assert/strict";
import test from "node:test";
import * as lib from "./support.mjs";

const MODEL = "../../../web/static/web/panels/table-model.js";
const { append, client, CountedWebSocket, create, endStream, Recorded, remove, write } = lib;

test("updates come in order, with their numbers, until the producer ends the stream", async () => {
  const path = await create("array");
  await write(path, [1, 2]);
  const events = new Recorded(client().node(path), { start: 0 });
  await events.wait("update");
  await append(path, 2, [3]);
  await endStream(path);
  const { ended, code, reason, error } = await events.wait("close");
  assert.deepEqual([ended, code, reason, error], [true, 1000, "Producer ended stream", null]);
  const [first, second] = events.all("update");
  assert.equal(events.all("schema")[0].dataType.itemsize, 4);
  assert.deepEqual(await first.data(), {
    dtype: { kind: "i", itemsize: 4, littleEndian: true, units: null },
    shape: [2],
    data: Int32Array.of(1, 2),
  });
  assert.deepEqual([first.offset, first.block, first.persisted], [null, null, true]);
  assert.deepEqual([second.sequence, second.offset, second.shape], [2, [2], [1]]);
  assert.ok(Math.abs(second.timestamp - Date.now()) < 60_000);
  assert.deepEqual(events.subscription.position, { epoch: second.epoch, sequence: 2 });
});

test("many nodes share one connection, which closes after the last of them", async () => {
  const paths = await Promise.all([create("array"), create("array"), create("container")]);
  const one = client();
  const states = [];
  const left = one.onState((state) => states.push(state));
  CountedWebSocket.count = 0;
  const all = paths.map((path) => new Recorded(one.node(path)));
  await Promise.all(all.map((events) => events.wait("schema")));
  await write(paths[1], [5, 6]);
  assert.equal((await all[1].wait("update")).path, paths[1]);
  assert.equal(CountedWebSocket.count, 1);
  const closed = new Promise((resolve) => one.onState((state) => state === "closed" && resolve()));
  all.map((events) => events.subscription.close());
  await closed;
  left();
  assert.deepEqual(states, ["connecting", "open", "closed"]);
  assert.deepEqual(all[0].all("update"), []);
});

test("the client knows how far the clock of its machine is off", async () => {
  const one = client();
  assert.equal(one.clockOffset, null);
  const events = new Recorded(one.node(await create("array")));
  while (one.clockOffset === null) await lib.soon();
  // The server runs on the same machine.
  assert.ok(Math.abs(one.clockOffset) < 5000, `${one.clockOffset} ms`);
  events.subscription.close();
});

test("the server cuts updates to a slice, and leaves out what is not wanted", async () => {
  const path = await create("array", { shape: [4] });
  const events = new Recorded(client().node(path), { start: 0, slice: "1:3" });
  await write(path, [1, 2, 3, 4]);
  const update = await events.wait("update");
  assert.deepEqual([update.slice, [...(await update.data()).data]], ["1:3", [2, 3]]);
  events.subscription.close();
});

test("a loop over updates ends with the stream, and throws what ends it otherwise", async () => {
  const path = await create("array");
  await write(path, [1, 2]);
  await write(path, [3, 4]);
  await endStream(path);
  const found = [];
  for await (const update of client().node(path).updates({ start: 0 })) {
    found.push(...(await update.data()).data);
  }
  assert.deepEqual(found, [1, 2, 3, 4]);
  await assert.rejects(client().node("none").updates().next(), lib.NotFound);
  const signal = AbortSignal.timeout(20);
  await assert.rejects(client().node("table").updates({ signal }).next(), { name: "TimeoutError" });
  for await (const { sequence } of client().node(path).updates({ start: 0 })) {
    assert.equal(sequence, 1);
    break;
  }
});

test("a loop misses nothing while its buffer is full", async () => {
  const path = await create("array", { shape: [1000] });
  const numbers = Array(1000).fill(1);
  const one = client();
  const found = [];
  const updates = one.node(path).updates({ start: 0, bufferBytes: 10_000, onGap: assert.fail });
  const first = updates.next();
  for (let n = 0; n < 20; n++) await write(path, numbers);
  await endStream(path);
  found.push((await first).value.sequence);
  assert.equal(updates.subscription.paused, true);
  for await (const { sequence } of updates) found.push(sequence);
  assert.deepEqual(found, Array.from({ length: 20 }, (_, n) => n + 1));
});

test("with policy latest, a slow callback gets the newest, and gaps for the others", async () => {
  const path = await create("array");
  let release;
  const events = new Recorded(client().node(path), {
    policy: "latest",
    onUpdate: (update) => {
      events.add("update", update);
      return release ? undefined : new Promise((resolve) => (release = resolve));
    },
  });
  await events.wait("schema");
  for (let n = 1; n <= 6; n++) await write(path, [n, n]);
  await events.wait("update");
  release();
  while (events.sequences.at(-1) !== 6) await events.wait("update", events.sequences.length + 1);
  const numbers = events.events.flatMap(({ name, event }) => {
    if (name === "update") return [event.sequence];
    if (name !== "gap") return [];
    assert.equal(event.reason, "skipped");
    return Array.from({ length: event.count }, (_, n) => event.from + n);
  });
  assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6]);
  const missed = events.all("update").map((update) => update.missed);
  assert.equal(missed.length + missed.reduce((sum, n) => sum + n), 6);
  events.subscription.close();
});

test("the server sends the newest update once those before it were handled", async () => {
  const path = await create("array");
  let release;
  const events = new Recorded(client().node(path), {
    policy: "latest",
    maxUnacknowledged: 1,
    onUpdate: (update) => {
      events.add("update", update);
      return release ? undefined : new Promise((resolve) => (release = resolve));
    },
  });
  await events.wait("schema");
  for (let n = 1; n <= 6; n++) await write(path, [n, n]);
  await events.wait("update");
  release();
  await events.wait("update", 2);
  assert.deepEqual(events.sequences, [1, 6]);
  const [{ from, to, reason }] = events.all("gap");
  assert.deepEqual([from, to, reason], [2, 5, "skipped"]);
  await write(path, [7, 7]);
  assert.equal((await events.wait("update", 3)).sequence, 7);
  events.subscription.close();
});

test("after a pause, what came meanwhile follows", async () => {
  const path = await create("array");
  const events = new Recorded(client().node(path), { start: 0 });
  await write(path, [1, 1]);
  await events.wait("update");
  events.subscription.pause();
  await write(path, [2, 2]);
  await write(path, [3, 3]);
  assert.deepEqual([events.sequences, events.subscription.paused], [[1], true]);
  events.subscription.resume();
  await events.wait("update", 3);
  assert.deepEqual(events.sequences, [1, 2, 3]);
  // Another subscription goes on where this one was.
  const { epoch, sequence } = events.subscription.position;
  events.subscription.close();
  await write(path, [4, 4]);
  const later = new Recorded(client().node(path), { start: sequence + 1, epoch });
  assert.equal((await later.wait("update")).sequence, 4);
  later.subscription.close();
});

test("a container tells of its children, and a recursive subscription follows them", async () => {
  const path = await create("container");
  const direct = new Recorded(client().node(path));
  const deep = new Recorded(client().node(path), { recursive: true });
  await Promise.all([direct.wait("schema"), deep.wait("schema")]);
  const child = await create("array", { parent: path });
  const created = await direct.wait("update");
  assert.deepEqual([created.type, created.family], ["container-child-created", "container"]);
  assert.deepEqual([created.key, await created.data()], [child.split("/")[1], null]);
  await write(child, [7, 8]);
  const update = await deep.wait("update", 2);
  assert.deepEqual([update.path, [...(await update.data()).data]], [child, [7, 8]]);
  await endStream(child);
  assert.equal((await deep.wait("nodeClose")).path, child);
  await remove(path);
  for (const events of [direct, deep]) {
    const { ended, code, error } = await events.wait("close");
    assert.deepEqual([ended, code], [false, 4010]);
    assert.ok(error instanceof lib.NodeDeleted);
  }
  const types = direct.all("update").map(({ type }) => type);
  assert.ok(types.length >= 1 && types[0] === "container-child-created");
});

test("updates of tables, sparse, ragged and awkward arrays are decoded", async () => {
  const one = client();
  const data = async (key) => {
    const { value } = await one.node(key).updates({ start: "latest" }).next();
    return [value.family, await value.data()];
  };
  const [family, table] = await data("table");
  assert.deepEqual([family, table.numRows, table.at(9)], ["table", 10, { x: 9, name: "n9" }]);
  const [, sparse] = await data("sparse");
  assert.deepEqual([sparse.shape, [...sparse.data]], [[3, 4], [5, 6]]);
  assert.deepEqual(await data("ragged"), ["ragged", [[1, 2], [], [3]]]);
  assert.deepEqual(await data("awkward"), [
    "awkward",
    [{ x: 1, y: [0.5], s: "a", o: null }, { x: 2, y: [], s: "ü", o: 3 }],
  ]);
  one.close();
});

test("updates are reduced by the server, and cells that it cannot compute are linked", async () => {
  const path = await create("array", { shape: [4] });
  const events = new Recorded(client().node(path), { start: 0, reduce: "mean:2" });
  await write(path, [1, 2, 3, 4]);
  const whole = await events.wait("update");
  assert.deepEqual([whole.reduce, whole.shape, whole.uri], ["mean:2", [2], null]);
  const { dtype, data } = await whole.data();
  assert.deepEqual([dtype.kind, [...data]], ["f", [1.5, 3.5]]);
  await append(path, 4, [5]);
  await append(path, 5, [7]);
  const linked = await events.wait("update", 3);
  assert.deepEqual([linked.offset, linked.shape, linked.payload], [[2], [1], null]);
  assert.deepEqual([...(await linked.data()).data], [6]);
  events.subscription.close();
});

test("statistics of regions come in place of the data", async () => {
  const path = await create("array", { shape: [4] });
  const events = new Recorded(client().node(path), { start: 0, roi: "0:2;2:4" });
  await write(path, [1, 2, 3, 5]);
  const update = await events.wait("update");
  assert.deepEqual([update.type, update.family, update.roi], ["array-roi", "array", "0:2;2:4"]);
  assert.deepEqual(await update.data(), [
    [
      { mean: 1.5, sum: 3, min: 1, max: 2, count: 2 },
      { mean: 4, sum: 8, min: 3, max: 5, count: 2 },
    ],
  ]);
  events.subscription.close();
});

test("updates of external files are read from their links", async () => {
  const one = client();
  const events = new Recorded(one.node("images"), { start: 0 });
  const [all, part] = [await events.wait("update"), await events.wait("update", 2)];
  assert.deepEqual([all.type, all.shape, all.offset], ["array-ref", [2, 2, 2], null]);
  assert.deepEqual([...(await all.data()).data], [0, 0, 0, 0, 1, 1, 1, 1]);
  assert.deepEqual([part.shape, part.offset, part.payload], [[1, 2, 2], [1, 0, 0], null]);
  assert.deepEqual(await part.data(), {
    dtype: { kind: "u", itemsize: 2, littleEndian: true, units: null },
    shape: [1, 2, 2],
    data: Uint16Array.of(1, 1, 1, 1),
  });
  const reduced = new Recorded(one.node("images"), { start: 2, reduce: "sum:2,2", slice: "1:" });
  assert.deepEqual((await (await reduced.wait("update")).data()).data, BigUint64Array.of(4n));
  const rows = new Recorded(one.node("log"), { start: 0, columns: ["half"] });
  const added = await rows.wait("update");
  assert.deepEqual([added.family, added.append], ["table", true]);
  assert.deepEqual((await added.data()).toArray(), [{ half: 1 }]);
  one.close();
});

test("a subscription that is refused says why, and others go on", async () => {
  const one = client();
  const good = new Recorded(one.node("table"));
  const missing = await new Recorded(one.node("none")).wait("close");
  assert.ok(missing.error instanceof lib.NotFound);
  const bad = await new Recorded(one.node("table"), { slice: "0,0,0" }).wait("close");
  assert.ok(bad.error instanceof lib.BadRequest, String(bad.error));
  await good.wait("schema");
  assert.equal(good.subscription.closed, false);
  assert.throws(() => one.node("table").subscribe({ start: -1 }), RangeError);
  assert.throws(() => one.node("table").subscribe({ policy: "fast" }), RangeError);
  one.close();
  assert.equal((await good.wait("close")).error, null);
});

test("a key that a function gives is renewed when the server refuses the connection", async () => {
  const keys = ["expired", lib.KEY];
  const one = client({ apiKey: () => keys.shift() });
  const events = new Recorded(one.node("table"));
  await events.wait("schema");
  assert.deepEqual(events.all("error").map(({ name }) => name), ["Unauthorized"]);
  one.close();
});

test("an error that a callback throws is reported, and the stream goes on", async () => {
  const path = await create("array");
  const events = new Recorded(client().node(path), {
    start: 0,
    onUpdate: async (update) => {
      events.add("update", update);
      throw new Error(`bad ${update.sequence}`);
    },
  });
  await write(path, [1, 1]);
  await write(path, [2, 2]);
  assert.equal((await events.wait("error", 2)).message, "bad 2");
  events.subscription.close();
});

test("a table whose rows are all alike is counted by the numbers of its updates", async () => {
  const { TableModel } = await import(MODEL);
  const node = client().node("alike");
  const model = new TableModel(node, (await node.info()).structure);
  const events = new Recorded(node);
  await events.wait("schema");
  const apply = async (update) => model.apply(update, await update.data(model.decoding), false);
  const rows = await lib.rowBytes("alike", "0:2");
  for (let n = 0; n < 3; n += 1) await lib.appendRows("alike", rows);
  const first = await events.wait("update", 3).then(() => events.all("update"));
  assert.deepEqual(
    first.map((update) => update.rows),
    [2, 4, 6].map((offset) => ({ offset, count: 2 })),
  );
  // The rows that are read have those of all three, and the updates come afterwards.
  await model.load();
  for (const update of first) await apply(update);
  assert.deepEqual([model.total, model.tail.length, model.received], [8, 8, 6]);
  await lib.appendRows("alike", rows);
  await lib.appendRows("alike", rows);
  await apply(await events.wait("update", 4));
  assert.deepEqual([model.total, model.stored], [10, 10]);
  // An update that is missing is noticed, and the table read again.
  await lib.appendRows("alike", rows);
  await apply(await events.wait("update", 6));
  assert.deepEqual([model.total, model.end], [14, 14]);
  await apply(await events.wait("update", 5));
  assert.equal(model.total, 14);
  events.subscription.close();
});
