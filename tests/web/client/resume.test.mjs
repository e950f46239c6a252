import assert from "node:assert/strict";
import test from "node:test";
import * as lib from "./support.mjs";

const { client, control, create, Recorded, write } = lib;

test("a restart of the server interrupts neither subscriptions nor reads", async () => {
  const [path, quiet] = [await create("array"), await create("array")];
  const one = client();
  const states = [];
  one.onState((state) => states.push(state));
  const events = new Recorded(one.node(path), { start: 0 });
  const silent = new Recorded(one.node(quiet));
  await Promise.all([silent.wait("schema"), write(path, [1, 1])]);
  await events.wait("update");
  await control("stop");
  const reading = client({ retryFor: 60 }).node("arrays/u1").read();
  await control("start");
  assert.deepEqual([...(await reading).data], [0, 1, 2, 3, 4, 5]);
  await write(path, [2, 2]);
  await write(quiet, [1, 1]);
  await Promise.all([events.wait("update", 2), silent.wait("update")]);
  assert.deepEqual([events.sequences, silent.sequences], [[1, 2], [1]]);
  assert.deepEqual([events.all("reset"), events.all("gap")], [[], []]);
  assert.ok(events.all("error")[0] instanceof lib.StreamLost);
  assert.deepEqual(states, ["connecting", "open", "reconnecting", "open"]);
  one.close();
});

test("when the cache was emptied, the numbering restarts, and a reset says so", async () => {
  const path = await create("array");
  const events = new Recorded(client().node(path), { start: 0 });
  await write(path, [1, 1]);
  await write(path, [2, 2]);
  const { epoch } = await events.wait("update", 2);
  await control("empty_cache");
  await write(path, [3, 3]);
  await events.wait("reset");
  const first = await events.wait("update", 3);
  assert.equal(first.sequence, 1);
  assert.ok(events.all("reset").some((/** @type {any} */ reset) => reset.previous === epoch));
  // A heartbeat may have shown the loss before there was another epoch.
  assert.equal(events.all("reset").at(-1).epoch, first.epoch);
  assert.equal(events.subscription.position.epoch, first.epoch);
  events.subscription.close();
});

test("a position in a numbering that is over leads to a reset, and to all that is retained", async () => {
  const path = await create("array");
  await write(path, [1, 1]);
  const events = new Recorded(client().node(path), { start: 0 });
  const { epoch } = await events.wait("update");
  events.subscription.close();
  await control("empty_cache");
  await write(path, [2, 2]);
  const later = new Recorded(client().node(path), { start: 2, epoch });
  assert.equal((await later.wait("reset")).previous, epoch);
  assert.equal((await later.wait("update")).sequence, 1);
  later.subscription.close();
});

test("a connection over which nothing comes is probed, and replaced", async () => {
  const server = new lib.CountedWebSocket.Server({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  const probes = [];
  const second = new Promise((resolve) => {
    server.on("connection", (socket) => {
      socket.on("message", (data) => {
        const { type } = JSON.parse(data);
        if (type !== "time") probes.push(type);
      });
      if (server.clients.size > 1 || probes.includes("unsubscribe")) resolve();
    });
  });
  const one = lib.connect(`http://127.0.0.1:${server.address().port}`, {
    WebSocket: lib.CountedWebSocket,
    idleBeforePing: 0.1,
    retryFor: 0,
  });
  const events = new Recorded(one.node("x"));
  await second;
  assert.match(events.all("error")[0].detail, /nor an answer to a ping/);
  assert.deepEqual(probes.slice(0, 2), ["subscribe", "unsubscribe"]);
  one.close();
  server.close();
});

test("a key that is revoked ends all subscriptions at once, without another attempt", async () => {
  const secret = await control("create_key", "read:data,read:metadata");
  const one = client({ apiKey: secret });
  const all = ["table", "arrays/u1"].map((path) => new Recorded(one.node(path)));
  await Promise.all(all.map((events) => events.wait("schema")));
  await control("revoke_key", secret);
  for (const events of all) {
    const { error, ended, reason } = await events.wait("close");
    assert.ok(error instanceof lib.Unauthorized);
    assert.deepEqual([ended, reason], [false, "Key revoked"]);
    assert.deepEqual(events.all("error"), []);
  }
  const { error } = await new Recorded(one.node("table")).wait("close");
  assert.ok(error instanceof lib.Unauthorized);
  assert.equal(one.state, "closed");
});

test("a server that does not answer is given up after the time that is set", async () => {
  const one = lib.connect("http://127.0.0.1:1", {
    WebSocket: lib.CountedWebSocket,
    giveUpAfter: 0.3,
    retryFor: 0,
  });
  const events = new Recorded(one.node("x"));
  const { error } = await events.wait("close");
  assert.ok(error instanceof lib.StreamLost);
  assert.ok(events.all("error").length >= 1);
});
