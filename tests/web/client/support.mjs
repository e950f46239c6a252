// What the tests share: the client under test, a producer, and the control of the server.
import { createRequire } from "node:module";
import { after } from "node:test";
import { connect } from "../../../web/static/web/tiled-stream-client/src/index.js";

export * from "../../../web/static/web/tiled-stream-client/src/index.js";

const require = createRequire(new URL("../../../web/tooling/package.json", import.meta.url));

export const { TILED_URL: URL_, TILED_KEY: KEY } = process.env;

/** The class `WebSocket`, which counts how many were made. */
export class CountedWebSocket extends require("ws").WebSocket {
  static count = 0;
  constructor(...args) {
    super(...args);
    CountedWebSocket.count += 1;
  }
}

const clients = [];
// A test that failed must not keep the process running.
after(() => clients.forEach((one) => one.close()));

export function client(options = {}) {
  const one = connect(URL_, { apiKey: KEY, WebSocket: CountedWebSocket, ...options });
  clients.push(one);
  return one;
}

/** Have the server stopped, a key revoked, and so on: see js_site.py. */
export async function control(name, ...args) {
  const body = JSON.stringify(args);
  const response = await fetch(`${process.env.TILED_CONTROL}/${name}`, { method: "POST", body });
  return response.json();
}

async function send(method, path, body, type = "application/json") {
  const headers = { Authorization: `Apikey ${KEY}`, "Content-Type": type };
  const response = await fetch(`${URL_}/api/v1${path}`, { method, headers, body });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

let count = 0;

/** Create a container, or an array of 32-bit integers; return its path. */
export async function create(family, { parent = "", shape = [2] } = {}) {
  const id = `${family}-${process.pid}-${(count += 1)}`;
  const structure = {
    data_type: { kind: "i", itemsize: 4, endianness: "little", dt_units: null },
    chunks: shape.map((size) => [size]),
    shape,
    dims: null,
    resizable: false,
  };
  const sources = [{ structure_family: family, structure, mimetype: null, management: "writable" }];
  const body = {
    id,
    structure_family: family,
    metadata: { made: "for a test" },
    specs: [],
    data_sources: family === "array" ? sources : [],
  };
  await send("POST", `/metadata/${parent}`, JSON.stringify(body));
  return parent ? `${parent}/${id}` : id;
}

/** Write the numbers of an array. */
export function write(path, numbers) {
  const bytes = Int32Array.from(numbers);
  return send("PUT", `/array/full/${path}`, bytes, "application/octet-stream");
}

/** Add numbers at the end of an array. */
export function append(path, offset, numbers) {
  const query = `offset=${offset}&shape=${numbers.length}&extend=true`;
  const bytes = Int32Array.from(numbers);
  return send("PATCH", `/array/full/${path}?${query}`, bytes, "application/octet-stream");
}

const ARROW = "application/vnd.apache.arrow.file";

/** Return rows of a table as they are sent and received. */
export async function rowBytes(path, rows) {
  const headers = { Authorization: `Apikey ${KEY}`, Accept: ARROW };
  const response = await fetch(`${URL_}/api/v1/table/full/${path}?rows=${rows}`, { headers });
  return response.arrayBuffer();
}

/** Add rows to a table. */
export function appendRows(path, bytes) {
  return send("PATCH", `/table/partition/${path}?partition=0`, bytes, ARROW);
}

export function endStream(path) {
  return send("DELETE", `/stream/close/${path}`);
}

export function remove(path) {
  return send("DELETE", `/metadata/${path}?recursive=true&external_only=false`);
}

/** Wait for a moment, between two looks at a state. */
export function soon() {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

/** A subscription whose events are recorded, and can be awaited. */
export class Recorded {
  events = [];
  waiting = [];

  constructor(node, options = {}) {
    const on = (name) => (event) => this.add(name, event);
    this.subscription = node.subscribe({
      onUpdate: on("update"),
      onSchema: on("schema"),
      onGap: on("gap"),
      onReset: on("reset"),
      onClose: on("close"),
      onNodeClose: on("nodeClose"),
      onError: on("error"),
      ...options,
    });
  }

  add(name, event) {
    this.events.push({ name, event });
    for (const check of [...this.waiting]) check();
  }

  all(name) {
    return this.events.filter((one) => one.name === name).map((one) => one.event);
  }

  get sequences() {
    return this.all("update").map((update) => update.sequence);
  }

  /** Wait until so many events of a name were received; return the last of them. */
  wait(name, number = 1) {
    return new Promise((resolve) => {
      const check = () => {
        const found = this.all(name);
        if (found.length < number) return;
        this.waiting = this.waiting.filter((one) => one !== check);
        resolve(found[number - 1]);
      };
      this.waiting.push(check);
      check();
    });
  }
}
