// @ts-check
// Hooks that join components to the display.
import { useEffect, useLayoutEffect, useReducer, useRef } from "../vendor/preact.js";

/** @typedef {import("./display.js").Display} Display */

// Numbers, histograms and profiles that change more often than this cannot be read.
export const READING_MS = 80;

/**
 * Render again after each pass of the display, or less often.
 * @param {Display} display
 * @param {number} [every] milliseconds
 */
export function useDisplay(display, every = 0) {
  const [, again] = useReducer((/** @type {number} */ n) => n + 1, 0);
  useLayoutEffect(() => {
    const render = spaced(() => again(0), every);
    const stop = display.subscribe(render.soon);
    return () => {
      stop();
      render.cancel();
    };
  }, [display, every]);
}

/**
 * Return how to call an action at once or, if that was a short time ago, a little later.
 * @param {() => void} action
 * @param {number} every milliseconds
 */
function spaced(action, every) {
  let [done, timer] = [-Infinity, 0];
  const now = () => {
    clearTimeout(timer);
    timer = 0;
    action();
    done = performance.now();
  };
  const soon = () => {
    const wait = done + every - performance.now();
    if (wait <= 0) now();
    else timer ||= window.setTimeout(now, wait);
  };
  return { now, soon, cancel: () => clearTimeout(timer) };
}

/**
 * Draw a small canvas after a pass, when it is resized, and when the theme changes.
 * @param {Display} display
 * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} draw in CSS pixels
 * @returns {{current: HTMLCanvasElement | null}} for the `ref` of the canvas
 */
export function useDrawing(display, draw) {
  const canvas = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const latest = useRef(draw);
  latest.current = draw;
  useLayoutEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const paint = spaced(() => paintOn(element, latest.current), READING_MS);
    const observer = new ResizeObserver(paint.now);
    observer.observe(element);
    const theme = matchMedia("(prefers-color-scheme: dark)");
    theme.addEventListener("change", paint.now);
    const stop = display.subscribe(paint.soon);
    return () => {
      paint.cancel();
      observer.disconnect();
      theme.removeEventListener("change", paint.now);
      stop();
    };
  }, [display]);
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} draw
 */
function paintOn(canvas, draw) {
  const density = Math.min(2, window.devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = canvas;
  const context = canvas.getContext("2d");
  if (!context || width === 0 || height === 0) return;
  const [w, h] = [Math.round(width * density), Math.round(height * density)];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  context.setTransform(density, 0, 0, density, 0, 0);
  context.clearRect(0, 0, width, height);
  draw(context, width, height);
}

/**
 * Return the colour of a token, as canvases know no variables of CSS.
 * @param {Element} element
 * @param {string} token
 */
export function colour(element, token) {
  return getComputedStyle(element).getPropertyValue(token).trim() || "#888888";
}

/**
 * Call a function on a press outside of an element, while `active`.
 * @param {{current: HTMLElement | null}} element
 * @param {boolean} active
 * @param {() => void} action
 */
export function useOutside(element, active, action) {
  useEffect(() => {
    if (!active) return undefined;
    const outside = (/** @type {PointerEvent} */ event) => {
      if (!element.current?.contains(/** @type {Node} */ (event.target))) action();
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [active]);
}
