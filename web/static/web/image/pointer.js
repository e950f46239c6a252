// @ts-check
// Mouse, pen and touch on the stage: pan, zoom, cursor, and regions of interest.
import { dragged, gripAt, spanned, whole } from "./roi.js";
import { MAX_ROIS, formatRois } from "./view.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./types.js").Region} Region
 * @typedef {{roi: boolean, selected: number, select: (index: number) => void}} Mode
 * @typedef {{x: number, y: number}} Point
 * @typedef {{kind: "pan", last: Point} | {kind: "pinch", distance: number, middle: Point}
 *   | {kind: "region", index: number, from: Region, grip: import("./roi.js").Grip, start: Point, rois: Region[]}} Gesture
 */

const WHEEL_STEP = 0.0016;
const PIXELS_PER_LINE = 33;
// Corners are caught within this distance, in CSS pixels.
const REACH = 9;
// A press that moves less, in CSS pixels, is a click.
const CLICK = 3;

/**
 * Listen to pointers on the stage.
 * @param {HTMLElement} stage
 * @param {Display} display
 * @param {() => Mode} mode
 * @returns {() => void} stops listening
 */
export function listen(stage, display, mode) {
  const pointers = new Pointers(stage, display, mode);
  const stop = new AbortController();
  const { signal } = stop;
  stage.addEventListener("pointerdown", (event) => pointers.down(event), { signal });
  stage.addEventListener("pointermove", (event) => pointers.move(event), { signal });
  stage.addEventListener("pointerup", (event) => pointers.up(event), { signal });
  stage.addEventListener("pointercancel", (event) => pointers.up(event), { signal });
  stage.addEventListener("pointerleave", () => pointers.leave(), { signal });
  // One finger scrolls the page past an image that is not zoomed; two are for the image.
  const pinched = (/** @type {TouchEvent} */ event) => event.touches.length > 1 && event.preventDefault();
  stage.addEventListener("touchstart", pinched, { signal, passive: false });
  stage.addEventListener("touchmove", pinched, { signal, passive: false });
  stage.addEventListener("wheel", (event) => pointers.wheel(event), { signal, passive: false });
  stage.addEventListener("dblclick", () => mode().roi || display.zoom.to(null), { signal });
  return () => stop.abort();
}

class Pointers {
  /** @param {HTMLElement} stage @param {Display} display @param {() => Mode} mode */
  constructor(stage, display, mode) {
    this.stage = stage;
    this.display = display;
    this.mode = mode;
    /** @type {Map<number, Point>} */
    this.points = new Map();
    /** @type {Gesture | null} */
    this.gesture = null;
  }

  /** @param {MouseEvent} event @returns {Point} in CSS pixels of the stage */
  place(event) {
    const box = this.stage.getBoundingClientRect();
    const { clientLeft, clientTop } = this.stage;
    return { x: event.clientX - box.left - clientLeft, y: event.clientY - box.top - clientTop };
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0 || !this.display.frame || this.points.size === 2) return;
    this.stage.setPointerCapture(event.pointerId);
    const at = this.place(event);
    this.points.set(event.pointerId, at);
    if (this.points.size === 2) {
      this.display.draftRoisTo(null);
      this.gesture = this.pinch();
    } else if (this.mode().roi) this.gesture = this.region(at);
    else this.gesture = { kind: "pan", last: at };
    this.point(at);
  }

  /** @returns {Extract<Gesture, {kind: "pinch"}>} */
  pinch() {
    const [a, b] = [...this.points.values()];
    return {
      kind: "pinch",
      distance: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)),
      middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
    };
  }

  /** Take the region at a place, or begin a new one. @param {Point} at @returns {Gesture | null} */
  region(at) {
    const { display } = this;
    const { rois, zoom } = display;
    const start = zoom.toArray(at.x, at.y);
    const { sx, sy } = zoom.camera;
    const order = rois.map((_, i) => i).sort((i) => (i === this.mode().selected ? -1 : 1));
    for (const index of order) {
      const grip = gripAt(rois[index], start.y, start.x, REACH / sy, REACH / sx);
      if (!grip) continue;
      this.mode().select(index);
      return { kind: "region", index, from: rois[index], grip, start, rois: [...rois] };
    }
    if (rois.length >= MAX_ROIS) return null;
    const [y, x] = [Math.floor(start.y), Math.floor(start.x)];
    const from = { y0: y, y1: y, x0: x, x1: x };
    return { kind: "region", index: rois.length, from, grip: "se", start, rois: [...rois] };
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.place(event);
    if (this.points.has(event.pointerId)) this.points.set(event.pointerId, at);
    const { gesture, display } = this;
    if (gesture?.kind === "pan") {
      display.zoom.pan(at.x - gesture.last.x, at.y - gesture.last.y);
      gesture.last = at;
    } else if (gesture?.kind === "pinch" && this.points.size === 2) {
      const next = this.pinch();
      const point = display.zoom.toArray(gesture.middle.x, gesture.middle.y);
      display.zoom.by(next.distance / gesture.distance, point);
      display.zoom.pan(next.middle.x - gesture.middle.x, next.middle.y - gesture.middle.y);
      this.gesture = next;
    } else if (gesture?.kind === "region") {
      this.drag(gesture, at);
    }
    this.point(at);
  }

  /** @param {Extract<Gesture, {kind: "region"}>} gesture @param {Point} at */
  drag(gesture, at) {
    const { display } = this;
    const now = display.zoom.toArray(at.x, at.y);
    const [dy, dx] = [now.y - gesture.start.y, now.x - gesture.start.x];
    const { sx, sy } = display.zoom.camera;
    const added = gesture.index === gesture.rois.length;
    // A click is not a region.
    if (added && Math.max(Math.abs(dy) * sy, Math.abs(dx) * sx) < CLICK) return;
    const rois = [...gesture.rois];
    rois[gesture.index] = added
      ? spanned(gesture.start, now, display.full)
      : dragged(gesture.from, gesture.grip, dy, dx, display.full);
    display.draftRoisTo(rois);
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.points.delete(event.pointerId)) return;
    const { gesture, display } = this;
    // After a pinch, the finger that stays moves the image.
    const [left] = this.points.values();
    this.gesture = left && gesture?.kind === "pinch" ? { kind: "pan", last: left } : null;
    if (gesture?.kind !== "region" || !display.draftRois) return;
    if (event.type === "pointercancel") {
      display.draftRoisTo(null);
      return;
    }
    this.mode().select(gesture.index);
    display.ask({ roi: formatRois(display.draftRois.map((one) => whole(one, display.full))) });
    display.draftRoisTo(null);
  }

  leave() {
    // Profiles continue to show the last row and column.
    if (!this.gesture && !this.display.settings.profiles) this.display.setCursor(null);
  }

  /** @param {Point} at */
  point(at) {
    const { x, y } = this.display.zoom.toArray(at.x, at.y);
    this.display.setCursor({ y, x });
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    const { zoom } = this.display;
    // With all of the image in view, the page scrolls on.
    if (!this.display.frame || (event.deltaY > 0 && !zoom.region)) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 0 ? 1 : PIXELS_PER_LINE);
    const at = this.place(event);
    // A pinch on a touch pad arrives as small steps with the control key.
    const factor = Math.exp(-pixels * WHEEL_STEP * (event.ctrlKey ? 6 : 1));
    zoom.by(factor, zoom.toArray(at.x, at.y));
  }
}
