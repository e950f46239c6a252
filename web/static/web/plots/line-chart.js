// @ts-check
// One uPlot, which draws axes, grid and cursor; the values are drawn by the paths of line-draw.js.
// uPlot itself is given the corners of each series only: its own arrays must be sorted and complete.
import uPlot from "../vendor/uplot.js";
import { linePath, pointsPath } from "./line-draw.js";
import { firstShown, rangeOptions, shownRange } from "./line-range.js";
import { formatNumber } from "./values.js";

/** @typedef {import("./line-series.js").PlotSeries} PlotSeries */
/** @typedef {{time: boolean, logX: boolean, logY: boolean, xLabel: string, labels: string[], faint: boolean[]}} Shape */
/** @typedef {{index: (number | null)[], x: number}} CursorPosition */
/**
 * @typedef {object} ChartEvents
 * @property {(x: [number, number], y: [number, number] | null) => void} onSelect
 * @property {(cursor: CursorPosition | null) => void} onCursor
 * @property {() => void} onDrawn
 */

// Points that are further apart than this, in CSS pixels, are drawn in any case.
const SPACE = 24;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DATE = "\n{YYYY}-{MM}-{DD}";
/** Labels of a time axis: from an increment on, the label, and what is added when that changes. */
const TIME_LABELS = [
  [365 * DAY, "{YYYY}", null, null, null, null, null, null, 1],
  [28 * DAY, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
  [DAY, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
  [MINUTE, "{HH}:{mm}", DATE, null, DATE, null, null, null, 1],
  [SECOND, "{HH}:{mm}:{ss}", DATE, null, DATE, null, null, null, 1],
  [1, "{ss}.{fff}", `${DATE} {HH}:{mm}`, null, `${DATE} {HH}:{mm}`, null, "\n{HH}:{mm}", null, 1],
];

export class LineChart {
  /**
   * @param {HTMLElement} host
   * @param {Shape} shape
   * @param {import("./theme.js").Theme} theme
   * @param {ChartEvents} events
   */
  constructor(host, shape, theme, events) {
    this.shape = shape;
    this.theme = theme;
    this.events = events;
    /** @type {PlotSeries[]} */
    this.series = [];
    /** @type {Record<string, unknown>} */
    this.view = {};
    this.hidden = new Set(/** @type {number[]} */ ([]));
    /** @type {import("./line-range.js").Range} */
    this.range = { x: [0, 1], y: [0, 1] };
    const size = { width: Math.max(120, host.clientWidth), height: Math.max(100, host.clientHeight) };
    this.plot = new (/** @type {any} */ (uPlot))({ ...size, ...this.#options() }, undefined, host);
    /** @type {HTMLElement[]} */
    this.dots = shape.labels.map((_, i) => this.#dot(i));
  }

  /**
   * Draw series, as many as the chart was made for.
   * @param {PlotSeries[]} series
   * @param {Record<string, unknown>} view
   * @param {Set<number>} hidden
   */
  update(series, view, hidden) {
    this.series = series;
    this.view = view;
    this.hidden = hidden;
    const shown = series.filter((_, i) => !hidden.has(i));
    this.range = shownRange(shown, view);
    const { x, y } = this.range;
    this.plot.batch(() => {
      this.plot.setData(/** @type {any} */ ([x, ...series.map(() => y)]), false);
      this.plot.setScale("x", { min: x[0], max: x[1] });
      this.plot.setScale("y", { min: y[0], max: y[1] });
    });
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (width < 40 || height < 40 || (width === this.plot.width && height === this.plot.height)) return;
    this.plot.setSize({ width, height });
  }

  destroy() {
    this.plot.destroy();
  }

  /** Put the cursor at a value of x, as a key does. @param {number} x */
  pointAt(x) {
    const first = this.series.find((s, i) => !this.hidden.has(i) && s.length);
    const index = first?.nearest(x) ?? null;
    const top = first && index !== null ? this.plot.valToPos(Number(first.y[index]), "y") : 0;
    this.plot.setCursor({ left: this.plot.valToPos(x, "x"), top });
  }

  hideCursor() {
    this.plot.setCursor({ left: -10, top: -10 });
  }

  /** @param {number} i */
  color(i) {
    return this.shape.faint[i] ? this.theme.muted : this.theme.series[i % this.theme.series.length];
  }

  #options() {
    const { time, logX, logY, labels } = this.shape;
    return {
      ms: 1,
      tzDate: (/** @type {number} */ ms) => uPlot.tzDate(new Date(ms), "UTC"),
      scales: {
        x: { time, auto: false, distr: logX ? 3 : 1 },
        y: { auto: false, distr: logY ? 3 : 1 },
      },
      series: [{}, ...labels.map((label, i) => this.#series(label, i))],
      axes: this.#axes(),
      legend: { show: false },
      padding: [10, 26, 0, 0],
      cursor: {
        points: { show: false },
        drag: { x: true, y: true, uni: 30, dist: 4, setScale: false },
      },
      hooks: {
        setSelect: [() => this.#selected()],
        setCursor: [() => this.#moved()],
        draw: [() => this.events.onDrawn()],
        drawSeries: [(/** @type {any} */ _, /** @type {number} */ i) => this.#drawPoints(i - 1)],
      },
    };
  }

  /**
   * @param {string} label
   * @param {number} i
   */
  #series(label, i) {
    const faint = this.shape.faint[i];
    return {
      label,
      scale: "y",
      stroke: this.color(i),
      alpha: faint ? 0.35 : 1,
      width: faint ? 1 : 1.5,
      points: { show: false },
      paths: () => ({ stroke: this.#path(i), fill: null, clip: null, flags: 0 }),
    };
  }

  /** @param {number} i */
  #path(i) {
    const series = this.series[i];
    if (!series || this.hidden.has(i) || this.view.points === "only") return new Path2D();
    const { x, y } = this.#pixels();
    return linePath(series, x, y, firstShown(series, rangeOptions(this.view))).stroke;
  }

  #axes() {
    const { text, muted, line, font } = this.theme;
    const { time, xLabel, logX } = this.shape;
    const common = { stroke: muted, font, labelFont: font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1, size: 5 } };
    const values = (/** @type {any} */ _, /** @type {(number | null)[]} */ splits) => splits.map((v) => (v === null ? "" : formatNumber(v, 6)));
    const size = (/** @type {any} */ plot, /** @type {string[] | null} */ labels) => {
      if (!labels) return 44;
      plot.ctx.font = font.replace("12px", `${12 * devicePixelRatio}px`);
      const widths = labels.map((label) => plot.ctx.measureText(label ?? "").width / devicePixelRatio);
      return Math.ceil(Math.max(28, ...widths)) + 16;
    };
    return [
      { ...common, space: time ? 84 : 72, ...(time ? { values: TIME_LABELS } : { values }), label: xLabel, labelSize: 20, labelGap: 2, size: time ? 40 : 28, stroke: muted, ...(logX ? { space: 40 } : {}) },
      { ...common, space: 36, values, size, stroke: text === muted ? text : muted },
    ];
  }

  #selected() {
    const { select } = this.plot;
    const { left, top, width, height } = select;
    if (width < 2 && height < 2) return;
    const at = (/** @type {number} */ position, /** @type {string} */ scale) => this.plot.posToVal(position, scale);
    /** @type {[number, number]} */
    const x = [at(left, "x"), at(left + width, "x")];
    // A selection over the full height is one of x: y then follows the values.
    const fullHeight = height >= this.plot.over.clientHeight - 1;
    this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.events.onSelect(x, fullHeight ? null : [at(top + height, "y"), at(top, "y")]);
  }

  #moved() {
    const left = this.plot.cursor.left ?? -1;
    if (left < 0) {
      for (const dot of this.dots) dot.hidden = true;
      this.events.onCursor(null);
      return;
    }
    const x = this.plot.posToVal(left, "x");
    const index = this.series.map((s, i) => (this.hidden.has(i) ? null : s.nearest(x)));
    this.dots.forEach((dot, i) => this.#placeDot(dot, this.series[i], index[i] ?? null));
    this.events.onCursor({ index, x });
  }

  /**
   * @param {HTMLElement} dot
   * @param {PlotSeries | undefined} series
   * @param {number | null} index
   */
  #placeDot(dot, series, index) {
    const value = series && index !== null ? Number(series.y[index]) : NaN;
    const left = series && index !== null ? this.plot.valToPos(series.xAt(index), "x") : NaN;
    const top = this.plot.valToPos(value, "y");
    dot.hidden = !(left >= 0 && left <= this.plot.over.clientWidth && top >= 0 && top <= this.plot.over.clientHeight);
    if (!dot.hidden) dot.style.transform = `translate(${left - 4}px, ${top - 4}px)`;
  }

  /** @param {number} i */
  #dot(i) {
    const dot = document.createElement("div");
    dot.className = "plot-dot";
    dot.hidden = true;
    dot.style.background = this.color(i);
    this.plot.over.append(dot);
    return dot;
  }

  #pixels() {
    const { left, top, width, height } = this.plot.bbox;
    const { x, y } = this.range;
    return {
      x: { min: x[0], max: x[1], log: this.shape.logX, from: left, size: width },
      y: { min: y[0], max: y[1], log: this.shape.logY, from: top + height, size: -height },
    };
  }

  /** @param {number} i */
  #drawPoints(i) {
    const series = this.series[i];
    if (!series || this.hidden.has(i)) return;
    const { x, y } = this.#pixels();
    const { ctx, bbox } = this.plot;
    const [low, to] = series.within(x.min, x.max);
    const from = Math.max(low, firstShown(series, rangeOptions(this.view)));
    const sparse = (to - from) * SPACE * devicePixelRatio < bbox.width;
    if (!this.view.points && (!sparse || this.shape.faint[i])) return;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.fillStyle = this.color(i);
    ctx.globalAlpha = this.shape.faint[i] ? 0.35 : 1;
    ctx.fill(pointsPath(series, x, y, from, to, 5 * devicePixelRatio));
    ctx.restore();
  }
}
