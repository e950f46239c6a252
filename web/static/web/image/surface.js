// @ts-check
// The canvas of the image and its renderer: WebGL2, or Canvas2D where that is faster or alone works.
import { CanvasRenderer } from "./canvas-renderer.js";
import { GLRenderer } from "./gl-renderer.js";

/**
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Drawing} Drawing
 * @typedef {import("./types.js").Renderer} Renderer
 */

// Both renderers draw this many of the first frames; before them WebGL2 compiles its shader.
const ROUNDS = 3;
// Smaller images are fast with each renderer.
const WORTH_MEASURING = 250_000;
// WebGL2 leaves the main thread free where a graphics card draws, so a tie is its win.
const ADVANTAGE = 1.2;
// A context that is not restored within this time is given up.
const LOST_MS = 2000;

export class Surface {
  /**
   * @param {HTMLElement} host
   * @param {{prefer: "auto" | "webgl2" | "canvas", onRedraw: () => void}} options
   */
  constructor(host, { prefer, onRedraw }) {
    this.host = host;
    this.onRedraw = onRedraw;
    /** @type {{gl: number[], canvas: number[], warm: boolean} | null} */
    this.trial = prefer === "auto" ? { gl: [], canvas: [], warm: false } : null;
    /** @type {Frame | null} */
    this.uploaded = null;
    /** Milliseconds per frame that the renderers took. @type {{gl: number, canvas: number} | null} */
    this.measured = null;
    /** @type {CanvasRenderer | undefined} */
    this.rival = undefined;
    this.width = 1;
    this.height = 1;
    this.lostTimer = 0;
    this.renderer = this.show(prefer === "canvas" ? null : this.withWebGL(prefer));
  }

  /** @param {"auto" | "webgl2"} prefer @returns {Renderer | null} */
  withWebGL(prefer) {
    const events = {
      onLost: () => {
        this.lostTimer = window.setTimeout(() => this.fallBack(), LOST_MS);
      },
      onRestored: () => {
        clearTimeout(this.lostTimer);
        this.uploaded = null;
        this.onRedraw();
      },
    };
    try {
      const renderer = new GLRenderer(document.createElement("canvas"), events);
      if (prefer !== "auto" || !renderer.isSoftware) return renderer;
      // It takes the processors from the page, and a copy of the canvas on top, which no timer sees.
      renderer.dispose();
      return null;
    } catch {
      return null;
    }
  }

  /**
   * Put the canvas of a renderer into the page.
   * @param {Renderer | null} wanted
   * @returns {Renderer}
   */
  show(wanted) {
    const renderer = wanted ?? new CanvasRenderer(document.createElement("canvas"));
    if (renderer instanceof CanvasRenderer) this.trial = null;
    renderer.canvas.className = "image-canvas";
    this.host.replaceChildren(renderer.canvas);
    renderer.resize(this.width, this.height);
    this.uploaded = null;
    return renderer;
  }

  /** @param {Renderer | null} [renderer] */
  fallBack(renderer = null) {
    clearTimeout(this.lostTimer);
    this.renderer.dispose();
    this.renderer = this.show(renderer);
    this.onRedraw();
  }

  /** @param {number} width @param {number} height in device pixels */
  resize(width, height) {
    this.width = width;
    this.height = height;
    this.renderer.resize(width, height);
  }

  /**
   * @param {Frame} frame
   * @param {Drawing} drawing
   */
  draw(frame, drawing) {
    if (Math.max(frame.height, frame.width) > this.renderer.maxSize) this.fallBack();
    const fresh = frame !== this.uploaded;
    if (this.trial && fresh && frame.height * frame.width >= WORTH_MEASURING) {
      this.compare(this.trial, frame, drawing);
      return;
    }
    try {
      drawWith(this.renderer, frame, drawing, fresh);
    } catch (error) {
      if (this.renderer instanceof CanvasRenderer) throw error;
      console.warn("Images are drawn with Canvas2D, as WebGL2 failed.", error);
      this.fallBack();
      drawWith(this.renderer, frame, drawing, true);
    }
    this.uploaded = frame;
  }

  /**
   * Draw a frame with both renderers, and keep the faster one after some frames.
   * @param {{gl: number[], canvas: number[], warm: boolean}} trial
   * @param {Frame} frame
   * @param {Drawing} drawing
   */
  compare(trial, frame, drawing) {
    const own = timed(this.renderer, frame, drawing);
    this.uploaded = frame;
    if (!trial.warm) {
      trial.warm = true;
      return;
    }
    this.rival ??= new CanvasRenderer(document.createElement("canvas"));
    this.rival.resize(this.width, this.height);
    trial.gl.push(own);
    trial.canvas.push(timed(this.rival, frame, drawing));
    if (trial.gl.length < ROUNDS) return;
    this.measured = { gl: middle(trial.gl), canvas: middle(trial.canvas) };
    this.trial = null;
    if (this.measured.gl > this.measured.canvas * ADVANTAGE) {
      this.fallBack(this.rival);
      drawWith(this.renderer, frame, drawing, true);
      this.uploaded = frame;
    }
    this.rival = undefined;
  }

  dispose() {
    clearTimeout(this.lostTimer);
    this.renderer.dispose();
    this.host.replaceChildren();
  }
}

/**
 * @param {Renderer} renderer
 * @param {Frame} frame
 * @param {Drawing} drawing
 * @param {boolean} fresh
 */
function drawWith(renderer, frame, drawing, fresh) {
  if (fresh) renderer.upload(frame);
  renderer.draw(drawing);
}

/**
 * @param {Renderer} renderer
 * @param {Frame} frame
 * @param {Drawing} drawing
 * @returns {number} milliseconds
 */
function timed(renderer, frame, drawing) {
  const start = performance.now();
  drawWith(renderer, frame, drawing, true);
  renderer.finish();
  return performance.now() - start;
}

/** @param {number[]} values */
function middle(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}
