// @ts-check
// The structure tab: shape and data type of a node, and where its data are stored.
import { html } from "../../vendor/preact.js";
import { formatBytes, formatNumber } from "../format.js";
import { JsonTree } from "../json-tree.js";

const KINDS = { u: "unsigned integer", i: "integer", f: "float", c: "complex", b: "boolean", U: "text", S: "bytes", M: "datetime", m: "timedelta", V: "record" };

/**
 * Return the description of a data type: kind, size, unit and byte order.
 * @param {any} type
 */
export function typeName(type) {
  if (!type) return "";
  if (type.fields) return `record of ${type.fields.length} fields`;
  const { kind, itemsize } = type;
  const bits = kind === "U" ? `${itemsize / 4} characters` : kind === "S" || kind === "V" ? `${itemsize} bytes` : `${itemsize * 8} bit`;
  const order = type.endianness === "big" ? ", big-endian" : "";
  const units = type.dt_units ? ` ${type.dt_units}` : "";
  return `${KINDS[/** @type {keyof typeof KINDS} */ (kind)] ?? kind}, ${bits}${units}${order}`;
}

/** @param {any} info @returns {Array<[string, any]>} */
function rows(info) {
  const s = info.structure ?? {};
  /** @type {Array<[string, any]>} */
  const found = [["Family", info.family]];
  if (s.shape) found.push(["Shape", s.shape.map((/** @type {any} */ n) => (n === null ? "ragged" : formatNumber(n))).join(" × ") || "scalar"]);
  if (s.dims) found.push(["Dimensions", s.dims.join(", ")]);
  if (s.data_type) found.push(["Data type", typeName(s.data_type)]);
  if (s.shape && s.data_type?.itemsize && !s.shape.includes(null)) {
    found.push(["Size", formatBytes(s.shape.reduce((/** @type {number} */ a, /** @type {number} */ b) => a * b, s.data_type.itemsize))]);
  }
  if (s.chunks) found.push(["Chunks", s.chunks.map((/** @type {any[]} */ c) => `${c?.length ?? 0}`).join(" × ")]);
  if (s.columns) found.push(["Columns", s.columns.join(", ")]);
  if (s.npartitions) found.push(["Partitions", formatNumber(s.npartitions)]);
  if (s.count !== undefined && info.family === "container") found.push(["Children", formatNumber(s.count ?? 0)]);
  if (info.specs?.length) found.push(["Specs", info.specs.map((/** @type {any} */ x) => (x.version ? `${x.name} ${x.version}` : (x.name ?? x))).join(", ")]);
  if (info.accessTags?.length) found.push(["Access tags", info.accessTags.join(", ")]);
  found.push(["ID", html`<span class="mono">${info.path || "/"}</span>`]);
  return found;
}

/** @param {{info: any}} props */
export function Structure({ info }) {
  const sources = info.dataSources ?? [];
  return html`<div class="stack">
    <dl class="pairs num">${rows(info).map(([name, value]) => html`<dt key=${`${name}-t`}>${name}</dt><dd key=${name}>${value}</dd>`)}</dl>
    ${sources.map((/** @type {any} */ source, /** @type {number} */ i) => html`<${DataSource} key=${i} source=${source} />`)}
    <details><summary>Structure as JSON</summary><${JsonTree} value=${info.structure ?? {}} label="structure" /></details>
  </div>`;
}

/** @param {{source: any}} props */
function DataSource({ source }) {
  const assets = source.assets ?? [];
  return html`<section><h3>Data source</h3>
    <dl class="pairs">
      <dt>Media type</dt><dd class="mono">${source.mimetype}</dd>
      <dt>Managed by</dt><dd>${source.management === "external" ? "external files" : "this server"}</dd>
      ${assets.map((/** @type {any} */ asset, /** @type {number} */ i) => html`<dt key=${`${i}t`}>${asset.parameter ?? "Asset"}${asset.num !== null && asset.num !== undefined ? ` ${asset.num}` : ""}</dt><dd key=${i} class="mono">${asset.data_uri}</dd>`)}
    </dl></section>`;
}
