// @ts-check
// Arrays that cannot be drawn (texts, times, records, bytes): their values in a grid.
import { html, useMemo, useState } from "../vendor/preact.js";
import { DataGrid } from "../plots/data-grid.js";
import { formatInstant, formatValue, millisecondsOf } from "../plots/values.js";
import { AxisSliders } from "./axis-sliders.js";
import { Pending } from "./slots.js";
import { useStored } from "./use-stored.js";

const MAX_COLUMNS = 200;

/** @param {any} props */
export function FallbackPanel(props) {
  const { info } = props;
  if (!info.structure?.data_type) return html`<div class="empty"><p>This node cannot be displayed. Its data can be downloaded.</p></div>`;
  return html`<${ValueGrid} ...${props} />`;
}

/** @param {any} props */
function ValueGrid({ client, info, view, onView, onLive }) {
  const [structure, setStructure] = useState(info.structure);
  const [follow, setFollow] = useState(false);
  const { shape, data_type: type, dims } = structure;
  const lead = useMemo(() => shape.slice(0, -2), [structure]);
  const index = parseIndex(view.index, lead);
  // The number of rows may have changed with an update; the rows are read by the grid.
  const read = async (/** @type {any} */ node, /** @type {AbortSignal} */ signal) => {
    const now = await node.info({ signal, dataSources: false });
    setStructure(now.structure);
    return now.structure.shape.length ? { revision: {} } : { revision: {}, array: await node.read({ signal }) };
  };
  const { value, failure } = useStored(client, info, "", read, onLive);
  const columns = useMemo(() => columnsOf(type, shape), [structure]);
  if (!value) return html`<${Pending} failure=${failure} />`;
  if (!shape.length) return html`<div class="panel"><output class="value-big">${value.array && textOf(value.array.data[0], type)}</output></div>`;
  const total = shape.length > 1 ? shape.at(-2) : shape[0];
  const rows = async (/** @type {number} */ start, /** @type {number} */ stop) => {
    const parts = [...index, `${start}:${stop}`, ...(shape.length > 1 ? [`:${Math.min(shape.at(-1), MAX_COLUMNS)}`] : [])];
    const array = await client.node(info.path).read({ slice: parts.join(",") });
    const width = shape.length > 1 ? array.shape.at(-1) : 1;
    return { start, length: stop - start, value: (/** @type {number} */ row, /** @type {number} */ column) => cell(array, type, row, column, shape.length > 1 ? width : 0) };
  };
  return html`<div class="panel">
    ${failure && html`<p class="error">${failure}</p>`}
    ${lead.length > 0 && html`<${AxisSliders} lead=${lead} dims=${dims} index=${index} newest=${!view.index} onIndex=${(/** @type {number[] | null} */ next) => onView({ index: next ? next.join(",") : null })} />`}
    <div class="panel-fill"><${DataGrid} label=${`Values of ${info.key}`} columns=${columns} total=${total} rows=${rows} follow=${follow} onFollow=${setFollow} revision=${`${index}:${total}`} key=${index.join()} /></div>
    ${shape.length > 1 && shape.at(-1) > MAX_COLUMNS && html`<p class="muted">The first ${MAX_COLUMNS} of ${shape.at(-1)} columns.</p>`}
  </div>`;
}

/**
 * @param {any} type
 * @param {number[]} shape
 * @returns {import("../plots/data-grid.js").Column[]}
 */
function columnsOf(type, shape) {
  if (type.fields && shape.length < 2) {
    return type.fields.map((/** @type {any} */ field) => ({ name: field.name, type: field.shape?.length || field.dtype.fields ? "nested" : kindOf(field.dtype) }));
  }
  const kind = type.fields ? "nested" : kindOf(type);
  if (shape.length < 2) return [{ name: "value", type: kind }];
  return Array.from({ length: Math.min(MAX_COLUMNS, shape.at(-1) ?? 0) }, (_, i) => ({ name: String(i), type: kind }));
}

/** @param {any} type @returns {import("../plots/data-grid.js").Column["type"]} */
function kindOf(type) {
  if ("buif".includes(type.kind)) return "number";
  return type.kind === "M" ? "time" : "text";
}

/**
 * @param {any} array
 * @param {any} type
 * @param {number} row
 * @param {number} column
 * @param {number} width  of a row; 0 if each row is an element
 */
function cell(array, type, row, column, width) {
  const item = array.data[width ? row * width + column : row];
  if (!type.fields) return textOf(item, type);
  if (width) return item;
  const field = type.fields[column];
  return field.shape?.length ? item[field.name] : textOf(item[field.name], field.dtype);
}

/**
 * @param {any} value
 * @param {any} type
 */
function textOf(value, type) {
  if (type.kind !== "M" && type.kind !== "m") return value instanceof Uint8Array ? hex(value) : formatValue(value);
  // numpy's "not a time" is the smallest integer.
  if (value === -(2n ** 63n)) return "NaT";
  const unit = millisecondsOf(type.dt_units);
  if (unit === null) return `${value} ${type.dt_units ?? ""}`;
  if (type.kind === "M") return withFraction(value, unit);
  return `${value} ${String(type.dt_units).replace(/[[\]]/g, "")}`;
}

/**
 * Return a time with all digits that its unit has.
 * @param {bigint} value
 * @param {number} unit  in milliseconds
 */
function withFraction(value, unit) {
  if (unit >= 1) return formatInstant(Number(value) * unit);
  const perSecond = BigInt(Math.round(1000 / unit));
  const rest = ((value % perSecond) + perSecond) % perSecond;
  const text = formatInstant(Number((value - rest) / perSecond) * 1000);
  const digits = String(perSecond).length - 1;
  const full = text.length === 10 ? `${text} 00:00:00` : text;
  return rest ? `${full}.${String(rest).padStart(digits, "0")}` : text;
}

/** @param {Uint8Array} bytes */
function hex(bytes) {
  return Array.from(bytes.subarray(0, 64), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/**
 * @param {string | undefined} text
 * @param {number[]} lead
 */
function parseIndex(text, lead) {
  const numbers = (text ?? "").split(",").map(Number);
  const usable = text && numbers.length === lead.length && numbers.every((n) => Number.isInteger(n) && n >= 0);
  return lead.map((size, i) => Math.min(usable ? numbers[i] : size - 1, Math.max(0, size - 1)));
}
