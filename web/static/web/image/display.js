// @ts-check
// The state behind the image view, and the pass that draws: sample, limits, image, then listeners.
// At most one pass per animation frame; the newest frame wins. No component is rendered by it.
import { parseColour, table } from "./colormaps.js";
import { fault, maskedValues, pixelAt } from "./frame.js";
import { automaticLimits, opened, sample, typeRange } from "./limits.js";
import { statistics } from "./roi.js";
import { linearWidth } from "./scales.js";
import { Surface } from "./surface.js";
import { formatRois, settings as read } from "./view.js";
import { Zoom } from "./zoom.js";

/**
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Region} Region
 * @typedef {import("./types.js").Limits} Limits
 * @typedef {import("./types.js").Settings} Settings
 * @typedef {import("./types.js").Drawing} Drawing
 * @typedef {import("./types.js").View} View
 * @typedef {import("./limits.js").Sample} Sample
 * @typedef {{y0: number, y1: number, x0: number, x1: number, height: number, width: number}} Viewport
 */

/**
 * @typedef {object} Callbacks
 * @property {(patch: View) => void} [onView]
 * @property {(frame: Frame) => void} [onDrawn]
 * @property {(viewport: Viewport) => void} [onViewport]
 */

// More pixels than two per CSS pixel are not seen, but take their time.
const MAX_DENSITY = 2;

export class Display {
  /** @param {"auto" | "webgl2" | "canvas"} [prefer] */
  constructor(prefer = "auto") {
    this.prefer = prefer;
    /** @type {Frame | null} */
    this.frame = null;
    /** @type {import("./viewport.js").Size | null} */
    this.size = null;
    this.settings = read({});
    /** @type {Callbacks} */
    this.callbacks = {};
    /** @type {Surface | null} */
    this.surface = null;
    this.zoom = new Zoom(this);
    /** @type {Sample} */
    this.sample = { values: new Float64Array(0), notFinite: 0, masked: 0 };
    this.sampleKey = "";
    /** @type {Frame | null} */
    this.sampled = null;
    /** @type {Limits} */
    this.limits = { lo: 0, hi: 1 };
    /** Limits while a handle of the histogram is dragged. @type {Limits | null} */
    this.draftLimits = null;
    /** @type {Limits | null} */
    this.frozen = null;
    /** Regions while one is dragged. @type {Region[] | null} */
    this.draftRois = null;
    /** Statistics of the regions, until the frame or a region changes. */
    this.counted = {
      frame: /** @type {Frame | null} */ (null),
      key: "",
      found: /** @type {import("./roi.js").Statistics[]} */ ([]),
    };
    /** The point that the readout and the profiles are of. @type {{y: number, x: number} | null} */
    this.cursor = null;
    /** @type {Set<() => void>} */
    this.listeners = new Set();
    this.request = 0;
    this.imageChanged = false;
    /** @type {Frame | null} */
    this.drawn = null;
    /** Milliseconds of the last pass. */
    this.took = 0;
  }

  /** Size of the full array: of the frame, or as known before the first one. */
  get full() {
    const { frame } = this;
    if (frame) return { width: frame.fullWidth, height: frame.fullHeight };
    return this.size ?? { width: 1, height: 1 };
  }

  get rois() {
    return this.draftRois ?? this.settings.rois;
  }

  get maskValues() {
    return this.frame ? maskedValues(this.settings.mask, this.frame) : [];
  }

  /** @param {HTMLElement} host */
  attach(host) {
    this.surface = new Surface(host, { prefer: this.prefer, onRedraw: () => this.changed() });
    const observer = new ResizeObserver(() => this.resized(host));
    observer.observe(host);
    this.resized(host);
    // What WebGL has drawn may be gone before the printer reads it.
    const print = () => this.passNow();
    window.addEventListener("beforeprint", print);
    return () => {
      observer.disconnect();
      window.removeEventListener("beforeprint", print);
      cancelAnimationFrame(this.request);
      this.request = 0;
      this.zoom.stop();
      this.surface?.dispose();
      this.surface = null;
    };
  }

  /** @param {HTMLElement} host */
  resized(host) {
    const density = Math.min(MAX_DENSITY, window.devicePixelRatio || 1);
    const { clientWidth: width, clientHeight: height } = host;
    this.zoom.resize(width, height, density);
    this.surface?.resize(Math.max(1, Math.round(width * density)), Math.max(1, Math.round(height * density)));
    // A canvas that was resized is empty until it is drawn: now, so that it does not flash.
    this.passNow();
    this.zoom.report();
  }

  /**
   * Take what the owner of the view has set.
   * @param {Frame | null} frame
   * @param {View} view
   * @param {Callbacks} callbacks
   * @param {import("./viewport.js").Size | null} [size] of the full array
   */
  update(frame, view, callbacks, size = null) {
    this.callbacks = callbacks;
    const before = this.full;
    this.frame = frame && fault(frame) === null ? frame : null;
    this.size = size;
    this.settings = read(view);
    if (this.settings.mode !== "frozen") this.frozen = null;
    this.zoom.follow(this.settings.zoom);
    if (before.height !== this.full.height || before.width !== this.full.width) this.zoom.report();
    this.changed();
  }

  /** @param {() => void} listener */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** @param {{y: number, x: number} | null} cursor */
  setCursor(cursor) {
    this.cursor = cursor;
    this.changed(false);
  }

  /** @param {Limits | null} limits */
  draftLimitsTo(limits) {
    this.draftLimits = limits;
    this.changed();
  }

  /** @param {Region[] | null} rois */
  draftRoisTo(rois) {
    this.draftRois = rois;
    this.changed(false);
  }

  /** @param {View} patch */
  ask(patch) {
    this.callbacks.onView?.(patch);
  }

  /** Draw at the next animation frame. @param {boolean} [image] false if the image stays */
  changed(image = true) {
    this.imageChanged ||= image;
    this.request ||= requestAnimationFrame(() => this.pass());
  }

  /** Draw without waiting for an animation frame. */
  passNow() {
    this.imageChanged = true;
    this.pass();
  }

  pass() {
    cancelAnimationFrame(this.request);
    this.request = 0;
    const start = performance.now();
    const { frame } = this;
    if (frame && this.imageChanged) {
      this.resample(frame);
      this.limits = this.currentLimits();
      this.surface?.draw(frame, this.drawing(frame));
      this.took = performance.now() - start;
    }
    this.imageChanged = false;
    for (const listener of this.listeners) listener();
    if (frame && frame !== this.drawn) {
      this.drawn = frame;
      this.callbacks.onDrawn?.(frame);
    }
  }

  /** @param {Frame} frame */
  resample(frame) {
    const key = `${this.settings.part} ${this.settings.mask}`;
    if (frame === this.sampled && key === this.sampleKey) return;
    this.sample = sample(frame, this.settings.part, this.maskValues);
    this.sampled = frame;
    this.sampleKey = key;
  }

  /** How the limits are chosen. @returns {Exclude<Settings["mode"], "">} */
  get mode() {
    return this.settings.mode || ((this.frame?.channels ?? 1) > 1 ? "range" : "auto");
  }

  /** @returns {Limits} */
  currentLimits() {
    const { frame, mode } = this;
    const { typed, scale, part } = this.settings;
    if (this.draftLimits) return opened(this.draftLimits, scale, this.sample);
    if (mode === "typed" && typed) return opened(typed, scale, this.sample);
    if (mode === "frozen" && this.frozen) return opened(this.frozen, scale, this.sample);
    if (mode === "range" && frame) return opened(typeRange(frame), scale, this.sample);
    const whole = frame?.kind === "c" && part === "phase" && scale !== "log";
    const found = whole
      ? { lo: -Math.PI, hi: Math.PI }
      : automaticLimits(this.sample, mode === "minmax" ? "minmax" : "auto", scale);
    // Frozen in an address: the limits of the first frame that is drawn.
    if (mode === "frozen") this.frozen = found;
    return found;
  }

  /** Keep the limits of now for the frames to come. */
  freeze() {
    this.frozen = { ...this.limits };
    this.ask({ limits: "frozen" });
  }

  /** @param {Frame} frame @returns {Drawing} */
  drawing(frame) {
    const s = this.settings;
    // Of a colour image, the bar below the histogram is the brightness of a channel.
    const colours = frame.channels > 1 ? table("greys") : table(s.map, s.invert);
    const end = (/** @type {number} */ i) =>
      /** @type {import("./types.js").Colour} */ (/** @type {unknown} */ ([...colours.subarray(i, i + 4)]));
    return {
      transform: this.zoom.transform(frame),
      limits: this.limits,
      scale: s.scale,
      gamma: s.gamma,
      linear: linearWidth(this.limits.lo, this.limits.hi),
      table: colours,
      nan: parseColour(s.nan),
      below: s.below ? parseColour(s.below) : end(0),
      above: s.above ? parseColour(s.above) : end(1020),
      masked: parseColour(s.masked),
      maskValues: this.maskValues,
      part: s.part,
    };
  }

  /** @returns {number} the pixel of the frame at the cursor, -1 for none */
  pixelAtCursor() {
    if (!this.frame || !this.cursor) return -1;
    return pixelAt(this.frame, this.cursor.y, this.cursor.x);
  }

  /** @returns {import("./roi.js").Statistics[]} of the regions, in the frame drawn last */
  statistics() {
    const { frame, rois, settings } = this;
    if (!frame) return [];
    const key = `${settings.part} ${settings.mask} ${formatRois(rois)}`;
    if (frame !== this.counted.frame || key !== this.counted.key) {
      const found = rois.map((roi) => statistics(frame, settings.part, roi, this.maskValues));
      this.counted = { frame, key, found };
    }
    return this.counted.found;
  }
}
