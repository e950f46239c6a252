// @ts-check
// Plot columns of a table over another column or the row number, with new rows as they arrive.
import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { LinePlot } from "../plots/line-plot.js";
import { Choice, SPANS, WINDOWS } from "./choices.js";
import { formatNames, isEpochSeconds, isPlottable, parseNames } from "./columns.js";
import { RollingBuffer } from "../plots/rolling.js";

/** @typedef {import("../plots/data-grid.js").Column} Column */
const MAX_SERIES = 12;
const ROW = "";

/** @param {any} props */
export function TablePlot({ model, tick, stepped, view, onView, onDrawn, label }) {
  const plottable = useMemo(() => model.columns.filter(isPlottable), [model.columns]);
  const { x, y } = useMemo(() => chosen(plottable, view), [plottable, view.x, view.y]);
  const { failure, followed } = useColumns(model, [...new Set([...y, ...(x ? [x] : [])])], model.revision);
  const seconds = useMemo(() => new Milliseconds(), [model, x]);

  const axis = x && model.buffers.get(x);
  const column = plottable.find((/** @type {Column} */ c) => c.name === x);
  const epoch = Boolean(column && axis?.length && isEpochSeconds(column, axis.values[0]));
  const time = column?.type === "time" || epoch;
  const series = useMemo(() => {
    if (stepped) return steppedSeries(model, stepped, x, y, epoch ? 1000 : 1);
    const values = axis ? (epoch ? seconds.of(axis) : axis) : null;
    return y.flatMap((/** @type {string} */ name) => {
      const buffer = model.buffers.get(name);
      if (!buffer || (x && !values)) return [];
      return [{ label: name, x: values?.values ?? null, y: buffer.values, start: buffer.start, version: buffer.version * 4096 + (values?.version ?? 0) }];
    });
  }, [tick, followed, model, x, y, stepped]);

  if (!plottable.length) return html`<p class="muted">This table has no numeric columns.</p>`;
  const windows = time ? [...WINDOWS, ...SPANS] : WINDOWS;
  const tools = html`
    <${Choice} visible label="x" value=${x} options=${[[ROW, "row number"], ...plottable.map((/** @type {Column} */ c) => [c.name, c.name])]}
      onChange=${(/** @type {string} */ name) => onView({ x: name || "#", range: null })} />
    <${ColumnMenu} columns=${plottable} chosen=${y} onChange=${(/** @type {string[]} */ names) => onView({ y: formatNames(names), range: null })} />
    <${Choice} label="Window" value=${view.window ?? ""} options=${windows} onChange=${(/** @type {string} */ window) => onView({ window, range: null })} />`;
  return html`${failure && html`<p class="error">${failure}</p>`}
    <div class="panel-fill"><${LinePlot} key=${`${x}|${y.join("|")}`} series=${series} view=${view} onView=${onView} onDrawn=${onDrawn} time=${time}
      label=${`${label}: ${y.join(", ")}`} xLabel=${x ? (time ? `${x} (UTC)` : x) : "row"} tools=${tools} /></div>`;
}

/**
 * Return the series of the rows after an update that a user has stepped to.
 * @param {any} model
 * @param {import("./table-history.js").ShownRows} stepped
 * @param {string} x
 * @param {string[]} y
 * @param {number} unit  of x, in milliseconds for times
 */
function steppedSeries(model, stepped, x, y, unit) {
  const { tail, total, stored } = stepped;
  const numbers = (/** @type {string} */ name) => {
    const buffer = model.buffers.get(name);
    if (stored) return buffer?.values.subarray(0, Math.max(0, total - buffer.start));
    const column = model.names.indexOf(name);
    return Float64Array.from({ length: tail.length }, (_, row) => Number(tail.value(row, column) ?? NaN));
  };
  const times = x ? numbers(x)?.map((/** @type {number} */ value) => value * unit) : null;
  return y.flatMap((name) => {
    const values = numbers(name);
    if (!values || (x && !times)) return [];
    return [{ label: name, x: times, y: values, start: stored ? model.buffers.get(name).start : tail.start }];
  });
}

/**
 * Return the columns to plot: those of the view, else the first numbers over the first time.
 * @param {Column[]} columns
 * @param {any} view
 * @returns {{x: string, y: string[]}}
 */
function chosen(columns, view) {
  const has = (/** @type {string} */ name) => columns.some((column) => column.name === name);
  const first = columns.find((column) => column.type === "time") ?? columns.find((column) => /^time|timestamp$|^ts$/i.test(column.name));
  const x = view.x === "#" ? ROW : has(view.x) ? view.x : (first?.name ?? ROW);
  const y = parseNames(view.y).filter(has).slice(0, MAX_SERIES);
  if (y.length || view.y) return { x, y };
  const number = columns.find((column) => column.type === "number" && column.name !== x) ?? columns.find((column) => column.name !== x) ?? columns[0];
  return { x, y: number ? [number.name] : [] };
}

/**
 * Buffer columns in the model; return a number that changes when they have been read.
 * @param {any} model
 * @param {string[]} names
 * @param {number} revision
 */
function useColumns(model, names, revision) {
  const [followed, setFollowed] = useState(0);
  const [failure, setFailure] = useState("");
  const key = JSON.stringify(names);
  useEffect(() => {
    let current = true;
    model.follow(names).then(
      () => {
        if (!current) return;
        setFailure("");
        setFollowed((/** @type {number} */ n) => n + 1);
      },
      (/** @type {any} */ error) => current && setFailure(error.detail ?? error.message),
    );
    return () => {
      current = false;
    };
  }, [model, key, revision]);
  return { followed, failure };
}

/** A buffer of seconds, converted to milliseconds, each value once. */
class Milliseconds {
  #source = /** @type {RollingBuffer | null} */ (null);
  #version = -1;
  #result = new RollingBuffer();

  /** @param {RollingBuffer} source */
  of(source) {
    if (source !== this.#source || source.version !== this.#version) {
      this.#source = source;
      this.#version = source.version;
      this.#result.reset(source.start);
    }
    const fresh = source.values.subarray(this.#result.end - source.start);
    this.#result.append(Float64Array.from(fresh, (value) => value * 1000));
    return this.#result;
  }
}

/** @param {{columns: Column[], chosen: string[], onChange: (names: string[]) => void}} props */
function ColumnMenu({ columns, chosen: names, onChange }) {
  const [text, setText] = useState("");
  const wanted = columns.filter((column) => column.name.toLowerCase().includes(text.trim().toLowerCase()));
  const close = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    const details = /** @type {HTMLDetailsElement} */ (event.currentTarget);
    details.open = false;
    /** @type {HTMLElement} */ (details.firstElementChild).focus();
    event.stopPropagation();
  };
  const toggle = (/** @type {string} */ name) => onChange(names.includes(name) ? names.filter((other) => other !== name) : [...names, name].slice(0, MAX_SERIES));
  return html`<details class="columns-menu" onKeyDown=${close}>
    <summary class="btn">y: ${names.length === 1 ? names[0] : `${names.length} columns`}</summary>
    <div class="popover columns-list" role="group" aria-label="Columns on y">
      ${columns.length > 8 && html`<input class="input" type="search" placeholder="Search columns" aria-label="Search columns" value=${text} onInput=${(/** @type {any} */ e) => setText(e.target.value)} />`}
      ${wanted.map((column) => html`<label key=${column.name}><input type="checkbox" checked=${names.includes(column.name)} onChange=${() => toggle(column.name)} />${column.name}</label>`)}
    </div>
  </details>`;
}
