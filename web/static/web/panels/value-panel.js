// @ts-check
// A scalar: its value in large type, and the history that the stream retains.
import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { LinePlot } from "../plots/line-plot.js";
import { RollingBuffer } from "../plots/rolling.js";
import { formatInstant, formatNumber } from "../plots/values.js";
import { Choice, SPANS, WINDOWS } from "./choices.js";
import { PARTS, numbersOf } from "./numbers.js";
import { useUpdates } from "./use-updates.js";

const LIMIT = 1e6;

class ValueModel {
  /**
   * @param {any} node
   * @param {string} part
   */
  constructor(node, part) {
    this.node = node;
    this.part = part;
    this.times = new RollingBuffer(Float64Array, LIMIT);
    this.values = new RollingBuffer(Float64Array, LIMIT);
    this.text = "";
    this.time = /** @type {number | null} */ (null);
    this.min = NaN;
    this.max = NaN;
    this.sum = 0;
  }

  async load() {
    const array = await this.node.read();
    if (!this.times.length) this.text = textOf(array);
  }

  /**
   * @param {any} update
   * @param {any} array
   */
  apply(update, array) {
    const value = Number(numbersOf(array, this.part)[0]);
    this.text = textOf(array);
    this.time = update.timestamp;
    // Times of other processes may differ by a little; an axis needs them in order.
    const last = this.times.length ? this.times.values[this.times.length - 1] : -Infinity;
    this.times.append([Math.max(update.timestamp, last)]);
    this.values.append([value]);
    if (Number.isFinite(value)) this.sum += value;
    if (!(value >= this.min)) this.min = Number.isNaN(value) ? this.min : value;
    if (!(value <= this.max)) this.max = Number.isNaN(value) ? this.max : value;
  }
}

/** @param {any} array */
function textOf({ dtype, data }) {
  if (dtype.kind === "b") return data[0] ? "true" : "false";
  if (dtype.kind !== "c") return formatNumber(data[0], dtype.itemsize === 4 ? 7 : 10);
  return `${formatNumber(data[0])} ${data[1] < 0 ? "−" : "+"} ${formatNumber(Math.abs(data[1]))}i`;
}

/** @param {any} props */
export function ValuePanel({ client, info, view, onView, onLive }) {
  const part = PARTS.includes(view.part) ? view.part : "amplitude";
  const model = useMemo(() => new ValueModel(client.node(info.path), part), [client, info.path, part]);
  const { live, tick, failure, loaded, markDrawn } = useUpdates(client, info, { start: 0, policy: "block" }, model, onLive);
  const stepped = useSteppedText(live);
  const series = useMemo(
    () => [{ label: info.key, x: model.times.values, y: model.values.values, version: model.values.version }],
    [tick, model],
  );
  const count = model.values.length;
  if (!loaded) return html`<div class="empty"><span class="spinner" role="status" aria-label="Loading"></span></div>`;
  // `values.end` includes values that the buffer has dropped.
  const mean = model.sum / Math.max(1, model.values.end);
  const tools = html`<${Choice} label="Window" value=${view.window ?? ""} options=${[...WINDOWS, ...SPANS]} onChange=${(/** @type {string} */ window) => onView({ window, range: null })} />`;
  return html`<div class="panel">
    ${failure && html`<p class="error">${failure}</p>`}
    <div class="value-now">
      <output class="value-big num" aria-label=${`Value of ${info.key}`}>${stepped ?? model.text}</output>
      ${count > 0 && html`<p class="value-stats num"><span>min <b>${formatNumber(model.min)}</b></span><span>max <b>${formatNumber(model.max)}</b></span>
        <span>mean <b>${formatNumber(mean)}</b></span><span><b>${model.values.end}</b> ${count === 1 ? "update" : "updates"}</span>
        ${model.time !== null && html`<span>last <b>${formatInstant(model.time)}</b> UTC</span>`}</p>`}
    </div>
    ${
      count > 0
        ? html`<div class="panel-fill"><${LinePlot} series=${series} view=${view} onView=${onView} onDrawn=${markDrawn} label=${`History of ${info.key}`} xLabel="time (UTC)" time=${true} tools=${tools} /></div>`
        : html`<p class="muted">The stream retains no history of this value. Updates will be drawn as they arrive.</p>`
    }
  </div>`;
}

/**
 * Return the value of the update that a user has stepped to.
 * @param {any} live
 */
function useSteppedText(live) {
  const [text, setText] = useState(/** @type {string | null} */ (null));
  const update = live.paused ? live.update : null;
  useEffect(() => {
    let current = true;
    setText(null);
    update?.data().then((/** @type {any} */ array) => current && array && setText(textOf(array)), () => {});
    return () => {
      current = false;
    };
  }, [update]);
  return text;
}
