// @ts-check
// Fingers on a plot: two zoom along x, one moves what is zoomed.

/** @typedef {import("./line-chart.js").LineChart} LineChart */
/** @typedef {{x: [number, number], at: Map<number, number>}} Start  the range and the fingers at the beginning */

// The range is part of the address, which must not change with every movement.
const EVERY_MS = 60;

/**
 * Listen to touches on a chart's element.
 * @param {HTMLElement} element
 * @param {LineChart} chart
 * @param {(x: [number, number]) => void} onRange
 * @returns {() => void} stops listening
 */
export function listenTouch(element, chart, onRange) {
  const stop = new AbortController();
  const { signal } = stop;
  /** Places of the fingers as a share of the plot's width. @type {Map<number, number>} */
  const fingers = new Map();
  /** @type {Start | null} */
  let start = null;
  let timer = 0;
  const place = (/** @type {PointerEvent} */ event) => {
    const box = chart.plot.over.getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  const begin = () => {
    start = fingers.size ? { x: chart.range.x, at: new Map(fingers) } : null;
  };
  const send = () => {
    timer = 0;
    const range = start && rangeUnder(fingers, start, Boolean(chart.view.range), chart.shape.logX);
    if (range) onRange(range);
  };
  const down = (/** @type {PointerEvent} */ event) => {
    if (event.pointerType !== "touch" || fingers.size === 2) return;
    fingers.set(event.pointerId, place(event));
    begin();
  };
  const move = (/** @type {PointerEvent} */ event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, place(event));
    timer ||= window.setTimeout(send, EVERY_MS);
  };
  const up = (/** @type {PointerEvent} */ event) => {
    if (!fingers.has(event.pointerId)) return;
    window.clearTimeout(timer);
    send();
    fingers.delete(event.pointerId);
    begin();
  };
  const pinched = (/** @type {TouchEvent} */ event) => event.touches.length > 1 && event.preventDefault();
  element.addEventListener("pointerdown", down, { signal });
  element.addEventListener("pointermove", move, { signal });
  element.addEventListener("pointerup", up, { signal });
  element.addEventListener("pointercancel", up, { signal });
  element.addEventListener("touchstart", pinched, { signal, passive: false });
  element.addEventListener("touchmove", pinched, { signal, passive: false });
  return () => {
    window.clearTimeout(timer);
    stop.abort();
  };
}

/**
 * Return the range of x that keeps the values under the fingers; null if nothing changes.
 * @param {Map<number, number>} fingers
 * @param {Start} start
 * @param {boolean} isZoomed
 * @param {boolean} log
 * @returns {[number, number] | null}
 */
function rangeUnder(fingers, { x, at }, isZoomed, log) {
  const [low, high] = log ? [Math.log(x[0]), Math.log(x[1])] : x;
  const [[first, now], other] = [...fingers];
  const value = low + (at.get(first) ?? now) * (high - low);
  let span = high - low;
  if (other) {
    const from = (at.get(other[0]) ?? other[1]) - (at.get(first) ?? now);
    const ratio = from / (other[1] - now);
    // Fingers that have met or passed each other have no scale.
    if (!(ratio > 0) || !Number.isFinite(ratio)) return null;
    span *= ratio;
  } else if (!isZoomed || now === at.get(first)) return null;
  const start = value - now * span;
  return log ? [Math.exp(start), Math.exp(start + span)] : [start, start + span];
}
