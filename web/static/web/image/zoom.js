// @ts-check
// The region shown: changed here at once, and reported to the owner of the view a little later.
import { clipped, fit, panned, toArray, toStage, visible, whole, zoomed } from "./viewport.js";
import { formatZoom } from "./view.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Region} Region
 * @typedef {import("./types.js").Transform} Transform
 */

const REPORT_MS = 150;

export class Zoom {
  /** @param {Display} display */
  constructor(display) {
    this.display = display;
    /** null for the whole array @type {Region | null} */
    this.region = null;
    this.stage = { width: 0, height: 0 };
    this.density = 1;
    this.timer = 0;
    /** @type {string | null} */
    this.seen = null;
    /** Zooms that this view has sent, which come back as settings. @type {(string | null)[]} */
    this.sent = [];
    this.reported = "";
  }

  /** @param {number} width @param {number} height @param {number} density */
  resize(width, height, density) {
    this.stage = { width, height };
    this.density = density;
  }

  /** Follow a change of the setting, unless it is one that came from here. @param {Region | null} zoom */
  follow(zoom) {
    const text = formatZoom(zoom);
    if (text === this.seen) return;
    this.seen = text;
    const own = this.sent.indexOf(text);
    if (own >= 0) {
      this.sent.splice(0, own + 1);
      return;
    }
    this.sent = [];
    this.region = zoom;
    this.report();
  }

  get camera() {
    const { display } = this;
    const region = this.region ?? whole(display.full);
    return fit(region, this.stage, display.settings);
  }

  /** @param {Region | null} region null for the whole array */
  to(region) {
    this.region = region;
    this.display.changed();
    this.report();
  }

  /** @param {number} factor @param {{x: number, y: number}} [point] */
  by(factor, point) {
    const { camera } = this;
    const at = point ?? { x: camera.cx, y: camera.cy };
    this.to(zoomed(camera, this.stage, this.display.full, factor, at));
  }

  /** @param {number} dx @param {number} dy in CSS pixels of the stage */
  pan(dx, dy) {
    if (!this.region) return;
    this.to(panned(this.camera, this.stage, this.display.full, dx, dy));
  }

  /** @param {number} px @param {number} py @returns {{x: number, y: number}} indices of the full array */
  toArray(px, py) {
    return toArray(this.camera, this.stage, px, py);
  }

  /** @param {number} x @param {number} y @returns {{px: number, py: number}} CSS pixels of the stage */
  toStage(x, y) {
    return toStage(this.camera, this.stage, x, y);
  }

  /** @returns {Region} what the stage shows of the array */
  get visible() {
    return clipped(visible(this.camera, this.stage), this.display.full);
  }

  /** @param {Frame} frame @returns {Transform} from device pixels to pixels of the frame */
  transform(frame) {
    const { camera, stage, density } = this;
    const kx = (camera.flipX ? -1 : 1) / (camera.sx * frame.dx);
    const ky = (camera.flipY ? -1 : 1) / (camera.sy * frame.dy);
    return {
      ax: kx / density,
      bx: (camera.cx - frame.x0) / frame.dx - (kx * stage.width) / 2,
      ay: ky / density,
      by: (camera.cy - frame.y0) / frame.dy - (ky * stage.height) / 2,
    };
  }

  /** Send region and size to the owner: at first at once, then when they rest, as each may be read. */
  report() {
    clearTimeout(this.timer);
    if (this.reported) this.timer = window.setTimeout(() => this.send(), REPORT_MS);
    else this.send();
  }

  send() {
    const { display } = this;
    if (!(display.frame || display.size) || this.stage.width < 1 || this.stage.height < 1) return;
    const zoom = formatZoom(this.region);
    if (zoom !== (this.sent.length ? this.sent[this.sent.length - 1] : this.seen)) {
      this.sent.push(zoom);
      display.ask({ zoom });
    }
    const { camera, density } = this;
    const { y0, y1, x0, x1 } = this.visible;
    const viewport = {
      y0: Math.floor(y0),
      y1: Math.ceil(y1),
      x0: Math.floor(x0),
      x1: Math.ceil(x1),
      height: Math.ceil((y1 - y0) * camera.sy * density),
      width: Math.ceil((x1 - x0) * camera.sx * density),
    };
    const key = JSON.stringify(viewport);
    if (key === this.reported) return;
    this.reported = key;
    display.callbacks.onViewport?.(viewport);
  }

  stop() {
    clearTimeout(this.timer);
  }
}
