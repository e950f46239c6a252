// @ts-check
// A line plot with its controls: scales, points, zoom, values at the cursor, and export.
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { icon } from "../icons/icons.js";
import { fileName, plotPicture, saveBlob, seriesCsv } from "./export.js";
import { LineChart } from "./line-chart.js";
import { formatRange, firstShown, rangeOptions, zoomed } from "./line-range.js";
import { PlotSeries } from "./line-series.js";
import { useTheme } from "./theme.js";
import { listenTouch } from "./touch.js";
import { formatInstant, formatNumber } from "./values.js";

/** @typedef {import("./line-series.js").Series} Series */
/** @typedef {Record<string, unknown>} View */

const ZOOM = 0.5;
const STEP = 0.25;

/**
 * A plot of series over x. `view` has logx, logy, points, window and range ("x0,x1" or
 * "x0,x1,y0,y1"); `onView` asks for a change of it.
 * @param {{series: Series[], view?: View, onView?: (patch: View) => void, onDrawn?: () => void, label: string,
 *   xLabel?: string, time?: boolean, tools?: any}} props  `time`: x is milliseconds since 1970
 */
export function LinePlot({ series, view, onView, onDrawn, label, xLabel = "index", time = false, tools }) {
  const [own, setOwn] = useState(/** @type {View} */ ({}));
  const shown = view ?? own;
  const change = onView ?? ((/** @type {View} */ patch) => setOwn((/** @type {View} */ now) => ({ ...now, ...patch })));
  const [hidden, setHidden] = useState(/** @type {Set<number>} */ (new Set()));
  const [cursor, setCursor] = useState(/** @type {import("./line-chart.js").CursorPosition | null} */ (null));
  const theme = useTheme();
  const prepared = useMemo(() => series.map((s) => new PlotSeries(s)), [series]);
  const host = useRef(/** @type {any} */ (null));
  const { chart, handlers } = useChart(host, prepared, shown, hidden, { theme, time, xLabel });
  handlers.current = {
    onSelect: (/** @type {[number, number]} */ x, /** @type {[number, number] | null} */ y) => change({ range: formatRange(x, y) }),
    onCursor: setCursor,
    onDrawn: () => onDrawn?.(),
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (chart.current && pressed(event, chart.current, cursor, change)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const toggle = (/** @type {number} */ i) => {
    const next = new Set(hidden);
    if (!next.delete(i)) next.add(i);
    setHidden(next);
  };
  return html`<div class="line-plot" role="group" aria-label=${label}>
    <div class="toolbar plot-tools">
      ${tools}
      <${Controls} view=${shown} change=${change} chart=${chart} label=${label} xLabel=${xLabel} time=${time} />
    </div>
    <${Legend} series=${prepared} hidden=${hidden} toggle=${toggle} cursor=${cursor} theme=${theme} time=${time} xLabel=${xLabel} />
    <div class="plot-canvas" ref=${host} tabindex="0" role="img" aria-label=${`${label}. ${summary(prepared, time)}`}
      aria-keyshortcuts="ArrowLeft ArrowRight + - 0" onKeyDown=${onKeyDown} onDblClick=${() => change({ range: null })}></div>
    <div class="visually-hidden" aria-live="polite">${cursor ? cursorText(prepared, cursor, time) : ""}</div>
  </div>`;
}

/**
 * Keep a chart in an element: recreated for other axes, series or colours, else updated.
 * @param {{current: HTMLElement | null}} host
 * @param {PlotSeries[]} series
 * @param {View} view
 * @param {Set<number>} hidden
 * @param {{theme: import("./theme.js").Theme, time: boolean, xLabel: string}} look
 */
function useChart(host, series, view, hidden, { theme, time, xLabel }) {
  const chart = useRef(/** @type {LineChart | null} */ (null));
  const handlers = useRef(/** @type {import("./line-chart.js").ChartEvents} */ (/** @type {unknown} */ (null)));
  const shape = { time, logX: Boolean(view.logx) && !time, logY: Boolean(view.logy), xLabel, labels: series.map((s) => s.label), faint: series.map((s) => s.faint) };
  useLayoutEffect(() => {
    const element = /** @type {HTMLElement} */ (host.current);
    const made = new LineChart(element, shape, theme, {
      onSelect: (x, y) => handlers.current.onSelect(x, y),
      onCursor: (cursor) => handlers.current.onCursor(cursor),
      onDrawn: () => handlers.current.onDrawn(),
    });
    chart.current = made;
    const observer = new ResizeObserver(() => made.resize(element.clientWidth, element.clientHeight));
    observer.observe(element);
    const stop = listenTouch(element, made, (x) => handlers.current.onSelect(x, null));
    return () => {
      stop();
      observer.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [JSON.stringify(shape), theme]);
  useLayoutEffect(() => {
    chart.current?.update(series, time ? { ...view, logx: "" } : view, hidden);
  }, [series, hidden, theme, JSON.stringify(shape), view.range, view.window, view.points]);
  return { chart, handlers };
}

/** @param {{view: View, change: (patch: View) => void, chart: {current: LineChart | null}, label: string, xLabel: string, time: boolean}} props */
function Controls({ view, change, chart, label, xLabel, time }) {
  const toggle = (/** @type {string} */ key, /** @type {string} */ text, /** @type {string} */ title) => html`<button class="btn"
    aria-pressed=${Boolean(view[key])} title=${title} onClick=${() => change({ [key]: view[key] ? null : "1", ...(key === "points" ? {} : { range: null }) })}>${text}</button>`;
  const zoom = (/** @type {number} */ factor) => chart.current && zoomBy(chart.current, factor, 0, change);
  const csv = () => {
    if (!chart.current) return;
    const { series, range } = shownPart(chart.current);
    saveBlob(seriesCsv(series, range, xLabel, time), fileName(label, "csv"));
  };
  const png = async () => {
    if (!chart.current) return;
    const made = chart.current;
    const legend = made.series.map((s, i) => ({ label: s.label, color: made.color(i) })).filter((_, i) => !made.hidden.has(i));
    const blob = await plotPicture(made.plot.ctx.canvas, legend, made.theme);
    if (blob) saveBlob(blob, fileName(label, "png"));
  };
  return html`<div class="group" role="group" aria-label="Axes">
      ${!time && toggle("logx", "log x", "Logarithmic x axis")}${toggle("logy", "log y", "Logarithmic y axis")}${toggle("points", "points", "Draw the points")}
    </div>
    <div class="group" role="group" aria-label="Zoom">
      <button class="btn icon" aria-label="Zoom in" title="Zoom in (+)" onClick=${() => zoom(ZOOM)}>+</button>
      <button class="btn icon" aria-label="Zoom out" title="Zoom out (-)" onClick=${() => zoom(1 / ZOOM)}>−</button>
      <button class="btn icon" aria-label="Show all" title="Show all (0)" disabled=${!view.range} onClick=${() => change({ range: null })}>${icon("fit")}</button>
    </div>
    <div class="group" role="group" aria-label="Export">
      <button class="btn" title="Save the points shown as CSV" onClick=${csv}>${icon("download")} CSV</button>
      <button class="btn" title="Save the plot as PNG" onClick=${png}>PNG</button>
    </div>`;
}

/** @param {any} props */
function Legend({ series, hidden, toggle, cursor, theme, time, xLabel }) {
  const named = series.filter((/** @type {PlotSeries} */ s) => !s.faint).length;
  const x = cursor && (time ? formatInstant(cursor.x) : formatNumber(cursor.x, 6));
  return html`<div class="plot-legend">
    ${series.map((/** @type {PlotSeries} */ s, /** @type {number} */ i) => {
      if (s.faint) return null;
      const at = cursor?.index[i];
      const value = at === null || at === undefined ? "" : formatNumber(Number(s.y[at]), 6);
      return html`<button key=${i} class="plot-key" aria-pressed=${!hidden.has(i)} disabled=${named < 2}
        title=${named < 2 ? s.label : `Show or hide ${s.label}`} onClick=${() => toggle(i)}>
        <span class="plot-mark" style=${{ background: theme.series[i % theme.series.length] }}></span>
        <span class="truncate">${s.label}</span> <span class="num plot-value">${value}</span></button>`;
    })}
    <span class="muted num plot-x">${x === null ? "" : `${xLabel} ${x}`}</span>
  </div>`;
}

/**
 * Carry out a key; return whether it was one of the plot's.
 * @param {KeyboardEvent} event
 * @param {LineChart} chart
 * @param {import("./line-chart.js").CursorPosition | null} cursor
 * @param {(patch: View) => void} change
 */
function pressed(event, chart, cursor, change) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const { key } = event;
  if (key === "+" || key === "=") zoomBy(chart, ZOOM, 0, change);
  else if (key === "-") zoomBy(chart, 1 / ZOOM, 0, change);
  else if (key === "0") change({ range: null });
  else if (key === "PageUp") zoomBy(chart, 1, -STEP, change);
  else if (key === "PageDown") zoomBy(chart, 1, STEP, change);
  else if (key === "Escape" && cursor) chart.hideCursor();
  else if (key === "ArrowLeft" || key === "ArrowRight") moveCursor(chart, cursor, (key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 10 : 1));
  else return false;
  return true;
}

/**
 * Move the cursor by points, or by pixels where points are closer than these.
 * @param {LineChart} chart
 * @param {import("./line-chart.js").CursorPosition | null} cursor
 * @param {number} count
 */
function moveCursor(chart, cursor, count) {
  const i = chart.series.findIndex((s, k) => !chart.hidden.has(k) && s.length);
  if (i < 0) return;
  const series = chart.series[i];
  const [from, to] = series.within(...chart.range.x);
  const pixel = Math.max(1, Math.round((to - from) / chart.plot.over.clientWidth));
  const now = cursor?.index[i] ?? Math.round((from + to) / 2);
  chart.pointAt(series.xAt(Math.min(series.length - 1, Math.max(0, now + count * pixel))));
}

/**
 * @param {LineChart} chart
 * @param {number} factor
 * @param {number} shift
 * @param {(patch: View) => void} change
 */
function zoomBy(chart, factor, shift, change) {
  const { logX } = chart.shape;
  change({ range: formatRange(zoomed(chart.range.x, factor, shift, logX), null) });
}

/**
 * Return the visible series with the range of indices that is shown of each.
 * @param {LineChart} chart
 */
function shownPart(chart) {
  const series = chart.series.filter((_, i) => !chart.hidden.has(i));
  const [low, high] = chart.range.x;
  const range = series.map((s) => {
    const first = firstShown(s, rangeOptions(chart.view));
    /** @type {[number, number]} */
    const part = s.sorted ? [Math.max(first, s.indexAt(low)), Math.min(s.length, s.indexAt(high) + 1)] : [first, s.length];
    // The point after the range is in it only if it is at its very end.
    if (s.sorted && part[1] > part[0] && s.xAt(part[1] - 1) > high) part[1] -= 1;
    return part;
  });
  return { series, range };
}

/**
 * Return a description of the series for screen readers.
 * @param {PlotSeries[]} series
 * @param {boolean} time
 */
function summary(series, time) {
  if (!series.length) return "No data.";
  return series.filter((s) => !s.faint).slice(0, 6).map((s) => {
    if (!s.length) return `${s.label}: no points.`;
    const [low, high] = s.yExtent(0, s.length, false);
    const [first, last] = [s.xAt(0), s.xAt(s.length - 1)].map((x) => (time ? formatInstant(x) : formatNumber(x, 6)));
    const values = [low, high, Number(s.y[s.length - 1])].map((value) => formatNumber(value, 5));
    return `${s.label}: ${s.length} points from ${first} to ${last}, minimum ${values[0]}, maximum ${values[1]}, last ${values[2]}.`;
  }).join(" ");
}

/**
 * @param {PlotSeries[]} series
 * @param {import("./line-chart.js").CursorPosition} cursor
 * @param {boolean} time
 */
function cursorText(series, cursor, time) {
  return series.flatMap((s, i) => {
    const at = cursor.index[i];
    if (at === null || at === undefined || s.faint) return [];
    const x = time ? formatInstant(s.xAt(at)) : formatNumber(s.xAt(at), 6);
    return [`${s.label} ${formatNumber(Number(s.y[at]), 6)} at ${x}`];
  }).join(", ");
}
