// @ts-check
// The keys of the image view.
import { MAPS } from "./colormaps.js";
import { SCALES } from "./scales.js";
import { MAX_ROIS, cycled, formatRois } from "./view.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./pointer.js").Mode} Mode
 * @typedef {Mode & {toggleRoi: () => void, toggleVoice: () => void}} Modes
 */

/** Keys for the help of the page. */
export const shortcuts = [
  { keys: "+ / −", text: "Zoom in or out" },
  { keys: "← ↑ → ↓", text: "Pan" },
  { keys: "0", text: "Show the whole image" },
  { keys: "Shift + ← ↑ → ↓", text: "Move the cursor by one pixel, to read values" },
  { keys: "[ / ]", text: "Previous or next colour map" },
  { keys: "i", text: "Invert the colour map" },
  { keys: "l / Shift + l", text: "Next or previous scale" },
  { keys: "a", text: "Automatic limits" },
  { keys: "f", text: "Freeze the limits" },
  { keys: "p", text: "Row and column profiles" },
  { keys: "r", text: "Draw and change regions of interest" },
  { keys: "Enter", text: "Add a region in the middle, while drawing regions" },
  { keys: "Delete", text: "Remove the selected region" },
  { keys: "v", text: "Announce values to a screen reader" },
];

const ZOOM_STEP = 1.25;
const PAN_SHARE = 0.1;
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Act on a key.
 * @param {KeyboardEvent} event
 * @param {Display} display
 * @param {Modes} modes
 */
export function pressed(event, display, modes) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest("input, select, textarea, [role=slider]")) return;
  const arrow = ARROWS[event.key];
  // Buttons have their own keys.
  if (target.closest("button, a, summary") && (arrow || event.key === "Enter")) return;
  const done = arrow ? move(event, display, arrow) : act(event.key, display, modes);
  if (done) event.preventDefault();
}

/**
 * @param {KeyboardEvent} event
 * @param {Display} display
 * @param {[number, number]} arrow
 */
function move(event, display, [dx, dy]) {
  const { zoom, frame } = display;
  if (!frame) return false;
  if (!event.shiftKey) {
    zoom.pan(-dx * zoom.stage.width * PAN_SHARE, -dy * zoom.stage.height * PAN_SHARE);
    return true;
  }
  const { cx, cy, flipX, flipY } = zoom.camera;
  const from = display.cursor ?? { x: cx, y: cy };
  const step = (/** @type {number} */ v, /** @type {number} */ by, /** @type {number} */ size) =>
    Math.min(size - 0.5, Math.max(0.5, Math.floor(v) + 0.5 + by));
  display.setCursor({
    x: step(from.x, (flipX ? -dx : dx) * frame.dx, display.full.width),
    y: step(from.y, (flipY ? -dy : dy) * frame.dy, display.full.height),
  });
  return true;
}

/**
 * @param {string} key
 * @param {Display} display
 * @param {Modes} modes
 * @returns {boolean} whether the key has a meaning
 */
function act(key, display, modes) {
  const { settings, zoom } = display;
  /** @type {Record<string, () => void>} */
  const actions = {
    "+": () => zoom.by(ZOOM_STEP),
    "=": () => zoom.by(ZOOM_STEP),
    "-": () => zoom.by(1 / ZOOM_STEP),
    0: () => zoom.to(null),
    "[": () => display.ask({ map: cycled(MAPS, settings.map, -1) }),
    "]": () => display.ask({ map: cycled(MAPS, settings.map) }),
    i: () => display.ask({ invert: !settings.invert }),
    l: () => display.ask({ scale: cycled(SCALES, settings.scale) }),
    L: () => display.ask({ scale: cycled(SCALES, settings.scale, -1) }),
    a: () => display.ask({ limits: "auto" }),
    f: () => display.freeze(),
    p: () => display.ask({ profiles: !settings.profiles }),
    r: modes.toggleRoi,
    v: modes.toggleVoice,
  };
  if (modes.roi) {
    actions.Enter = () => addRoi(display, modes);
    actions.Escape = modes.toggleRoi;
  }
  if (settings.rois.length > 0) actions.Delete = () => removeRoi(display, modes.selected);
  const action = actions[key];
  action?.();
  return action !== undefined;
}

/**
 * Add a region in the middle of what is shown.
 * @param {Display} display
 * @param {Mode} mode
 */
export function addRoi(display, mode) {
  const { rois } = display.settings;
  if (rois.length >= MAX_ROIS || !display.frame) return;
  const { y0, y1, x0, x1 } = display.zoom.visible;
  const [h, w] = [Math.max(1, (y1 - y0) / 4), Math.max(1, (x1 - x0) / 4)];
  const y = Math.floor((y0 + y1 - h) / 2);
  const x = Math.floor((x0 + x1 - w) / 2);
  const made = { y0: y, y1: y + Math.ceil(h), x0: x, x1: x + Math.ceil(w) };
  display.ask({ roi: formatRois([...rois, made]) });
  mode.select(rois.length);
}

/**
 * @param {Display} display
 * @param {number} index
 */
export function removeRoi(display, index) {
  const { rois } = display.settings;
  const removed = index < rois.length ? index : rois.length - 1;
  display.ask({ roi: formatRois(rois.filter((_, i) => i !== removed)) });
}
