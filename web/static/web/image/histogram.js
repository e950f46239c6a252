// @ts-check
// The histogram with its colour bar, limits that are dragged, and limits that are typed.
import { html, useRef, useState } from "../vendor/preact.js";
import { axisOf, paintColours, paintHistogram, paintTicks } from "./axis.js";
import { colour, useDisplay, useDrawing } from "./hooks.js";
import { shortNumber } from "./scales.js";
import { formatLimits } from "./view.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./types.js").Limits} Limits
 * @typedef {import("./axis.js").Axis} Axis
 */

const BAR = 10;
const TICKS = 20;
const KEY_STEPS = 200;
/** @type {Record<string, number>} */
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -20, PageUp: 20 };
const MODES = [
  ["auto", "Automatic"],
  ["minmax", "Min–max"],
  ["frozen", "Frozen"],
  ["typed", "Fixed"],
];
const COLOUR_MODES = [["range", "Range of the type"], ...MODES];

/** @param {{display: Display}} props */
export function Levels({ display }) {
  return html`<div class="image-levels">
    <${LimitField} display=${display} end="lo" label="Lower limit" />
    <${Histogram} display=${display} />
    <${LimitField} display=${display} end="hi" label="Upper limit" />
    <${Mode} display=${display} />
  </div>`;
}

/** @param {{display: Display}} props */
function Mode({ display }) {
  useDisplay(display);
  const set = (/** @type {Event} */ event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.currentTarget);
    if (value === "frozen") display.freeze();
    else display.ask({ limits: value === "typed" ? formatLimits(display.limits) : value });
  };
  const colour = (display.frame?.channels ?? 1) > 1;
  return html`<select class="select image-mode" aria-label="Limits" value=${display.mode}
    title="Automatic: percentiles 0.1 and 99.9 of each image" onChange=${set}>
    ${(colour ? COLOUR_MODES : MODES).map(([value, text]) => html`<option value=${value}>${text}</option>`)}
  </select>`;
}

/** @param {{display: Display, end: "lo" | "hi", label: string}} props */
function LimitField({ display, end, label }) {
  useDisplay(display);
  const [text, setText] = useState(/** @type {string | null} */ (null));
  const commit = () => {
    const value = Number(text);
    if (text !== null && text.trim() !== "" && Number.isFinite(value)) {
      const lo = end === "lo" ? value : display.limits.lo;
      const hi = end === "hi" ? value : display.limits.hi;
      if (lo < hi) display.ask({ limits: `${lo},${hi}` });
    }
    setText(null);
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Enter") commit();
    if (event.key === "Escape") setText(null);
  };
  const invalid = text !== null && !Number.isFinite(Number(text));
  return html`<input class="input num image-limit" type="text" inputmode="decimal" aria-label=${label}
    title=${label} aria-invalid=${invalid} value=${text ?? plain(display.limits[end])} onBlur=${commit}
    onKeyDown=${key} onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)} />`;
}

/** @param {number} value with a minus sign that can be typed */
function plain(value) {
  return shortNumber(value, 6).replaceAll("−", "-");
}

/** @param {{display: Display}} props */
function Histogram({ display }) {
  useDisplay(display);
  // While a limit is dragged the axis stays, as it depends on the limits.
  const held = useRef(/** @type {Limits | null} */ (null));
  const axis = axisOf(display, held.current ?? undefined);
  const canvas = useDrawing(display, (context, width, height) => {
    const now = axisOf(display, held.current ?? undefined);
    const element = context.canvas;
    const top = height - BAR - TICKS;
    const inside = colour(element, "--accent");
    paintHistogram(context, width, top - 2, display, now, { inside, outside: colour(element, "--muted") });
    paintColours(context, { x: 0, y: top, width, height: BAR }, display, now);
    paintTicks(context, { x: 0, y: top + BAR, width }, now, colour(element, "--muted"));
  });
  const drag = useDrag(display, held, canvas);
  return html`<div class="image-histogram" onDblClick=${() => display.ask({ limits: "auto" })}>
    <canvas ref=${canvas} role="img" aria-label=${summary(display)} onPointerDown=${drag("both")}></canvas>
    <${Handle} display=${display} axis=${axis} end="lo" label="Lower limit" onPointerDown=${drag("lo")} />
    <${Handle} display=${display} axis=${axis} end="hi" label="Upper limit" onPointerDown=${drag("hi")} />
  </div>`;
}

/** @param {Display} display */
function summary({ sample, limits }) {
  const { values } = sample;
  if (values.length === 0) return "Histogram: no finite values";
  const [least, most] = [shortNumber(values[0]), shortNumber(values[values.length - 1])];
  return `Histogram: values from ${least} to ${most}, limits ${shortNumber(limits.lo)} to ${shortNumber(limits.hi)}`;
}

/** @param {{display: Display, axis: Axis, end: "lo" | "hi", label: string, onPointerDown: Function}} props */
function Handle({ display, axis, end, label, onPointerDown }) {
  const value = display.limits[end];
  const place = Math.min(1, Math.max(0, axis.toUnit(value)));
  const key = (/** @type {KeyboardEvent} */ event) => {
    const steps = KEYS[event.key];
    if (!steps) return;
    event.preventDefault();
    const moved = axis.toValue(axis.toUnit(value) + steps / KEY_STEPS);
    const limits = { ...display.limits, [end]: moved };
    if (limits.lo < limits.hi) display.ask({ limits: formatLimits(limits) });
  };
  return html`<div class="image-handle" data-end=${end} role="slider" tabindex="0" aria-label=${label}
    aria-valuenow=${value} aria-valuetext=${shortNumber(value)} aria-valuemin=${axis.range.lo}
    aria-valuemax=${axis.range.hi} style=${{ left: `${place * 100}%` }} onKeyDown=${key}
    onPointerDown=${onPointerDown}></div>`;
}

/**
 * Return a function that makes listeners which drag one limit, or both of them.
 * @param {Display} display
 * @param {{current: Limits | null}} held
 * @param {{current: HTMLCanvasElement | null}} canvas
 */
function useDrag(display, held, canvas) {
  return (/** @type {"lo" | "hi" | "both"} */ what) => (/** @type {PointerEvent} */ event) => {
    const box = canvas.current?.getBoundingClientRect();
    if (!box || event.button !== 0) return;
    event.preventDefault();
    const target = /** @type {HTMLElement} */ (event.currentTarget);
    target.setPointerCapture(event.pointerId);
    if (what !== "both") target.focus();
    const axis = axisOf(display);
    held.current = axis.range;
    const from = { ...display.limits };
    const start = event.clientX;
    const move = (/** @type {PointerEvent} */ moved) => {
      const by = (moved.clientX - start) / box.width;
      const shifted = (/** @type {"lo" | "hi"} */ end) =>
        what === end || what === "both" ? axis.toValue(axis.toUnit(from[end]) + by) : from[end];
      const limits = { lo: shifted("lo"), hi: shifted("hi") };
      if (limits.lo < limits.hi) display.draftLimitsTo(limits);
    };
    const end = (/** @type {PointerEvent} */ ended) => {
      target.removeEventListener("pointermove", move);
      held.current = null;
      const { draftLimits } = display;
      if (!draftLimits) return;
      if (ended.type === "pointerup") display.ask({ limits: formatLimits(draftLimits) });
      display.draftLimitsTo(null);
    };
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", end, { once: true });
    target.addEventListener("pointercancel", end, { once: true });
  };
}
