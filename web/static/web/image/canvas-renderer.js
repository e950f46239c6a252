// @ts-check
// Draw frames with Canvas2D, for browsers without WebGL2 and where it is slower.
import { isBig, masker, reader } from "./frame.js";
import { typeRange } from "./limits.js";
import { normaliser } from "./scales.js";

/**
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Drawing} Drawing
 * @typedef {import("./types.js").Colour} Colour
 * @typedef {import("./types.js").Renderer} Renderer
 */

/** @param {Colour} colour @returns {number} as ImageData has it, with red in the lowest byte */
function packed([r, g, b, a]) {
  return ((a << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** @implements {Renderer} */
export class CanvasRenderer {
  name = "Canvas2D";
  maxSize = Infinity;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    const context = canvas.getContext("2d");
    if (!context) throw new Error("Canvas2D is not available in this browser.");
    this.context = context;
    /** @type {Frame | null} */
    this.frame = null;
    /** @type {ImageData | null} */
    this.pixels = null;
    /** Colours of all values of a small integer type. */
    this.lookup = new Uint32Array(0);
    this.lookupKey = "";
    /** @type {Uint8Array | null} */
    this.lookupTable = null;
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    if (this.pixels?.width !== width || this.pixels.height !== height) this.pixels = null;
  }

  /** @param {Frame} frame */
  upload(frame) {
    this.frame = frame;
  }

  /** @param {Drawing} drawing */
  draw(drawing) {
    const { frame, canvas } = this;
    if (!frame || canvas.width === 0 || canvas.height === 0) return;
    this.pixels ??= this.context.createImageData(canvas.width, canvas.height);
    const out = new Uint32Array(this.pixels.data.buffer);
    const { ax, bx, ay, by } = drawing.transform;
    const columns = places(canvas.width, ax, bx, frame.width);
    const rows = places(canvas.height, ay, by, frame.height);
    const paint = this.painter(frame, drawing);
    let last = -2;
    for (let y = 0, at = 0; y < rows.length; y++, at += canvas.width) {
      const row = rows[y];
      if (row === last) out.copyWithin(at, at - canvas.width, at);
      else if (row < 0) out.fill(0, at, at + canvas.width);
      else paint(out, at, row * frame.width, columns);
      last = row;
    }
    this.context.putImageData(this.pixels, 0, 0);
  }

  /**
   * Return a function that paints one row of the canvas.
   * @param {Frame} frame
   * @param {Drawing} drawing
   * @returns {(out: Uint32Array, at: number, start: number, columns: Int32Array) => void}
   */
  painter(frame, drawing) {
    const isMasked = masker(frame, drawing.maskValues);
    const small = frame.channels === 1 && frame.data.BYTES_PER_ELEMENT <= 2;
    if (small && !frame.mask?.length) {
      const colours = this.lookupFor(frame, drawing);
      const data = /** @type {Uint16Array} */ (frame.data);
      const offset = frame.kind === "i" ? colours.length >> 1 : 0;
      return (out, at, start, columns) => {
        for (let x = 0; x < columns.length; x++) {
          const column = columns[x];
          out[at + x] = column < 0 ? 0 : colours[data[start + column] + offset];
        }
      };
    }
    const plain = frame.channels === 1 && frame.kind !== "c" && !isBig(frame.data);
    if (plain && !isMasked && drawing.scale === "linear") return linearPainter(frame, drawing);
    const colourAt = frame.channels > 1 ? ownColours(frame, drawing) : mapped(frame, drawing);
    const masked = packed(drawing.masked);
    return (out, at, start, columns) => {
      for (let x = 0; x < columns.length; x++) {
        const i = start + columns[x];
        out[at + x] = columns[x] < 0 ? 0 : isMasked?.(i) ? masked : colourAt(i);
      }
    };
  }

  /**
   * Return the colours of all values of a type of one or two bytes.
   * @param {Frame} frame
   * @param {Drawing} drawing
   */
  lookupFor(frame, drawing) {
    const size = 2 ** (8 * frame.data.BYTES_PER_ELEMENT);
    const { transform: _, table, ...rest } = drawing;
    const key = JSON.stringify([size, frame.kind, rest]);
    if (key === this.lookupKey && table === this.lookupTable) return this.lookup;
    const colour = shader(drawing);
    const offset = frame.kind === "i" ? size >> 1 : 0;
    if (this.lookup.length !== size) this.lookup = new Uint32Array(size);
    for (let i = 0; i < size; i++) this.lookup[i] = colour(i - offset);
    for (const value of drawing.maskValues) {
      if (value + offset >= 0 && value + offset < size) this.lookup[value + offset] = packed(drawing.masked);
    }
    this.lookupKey = key;
    this.lookupTable = table;
    return this.lookup;
  }

  finish() {
    this.context.getImageData(0, 0, 1, 1);
  }

  dispose() {
    this.pixels = null;
    this.frame = null;
  }
}

/**
 * Return the row or column of the frame at each pixel of the canvas; -1 outside.
 * @param {number} count
 * @param {number} a
 * @param {number} b
 * @param {number} size
 */
function places(count, a, b, size) {
  const found = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const at = Math.floor(a * (i + 0.5) + b);
    found[i] = at >= 0 && at < size ? at : -1;
  }
  return found;
}

/**
 * Return a function from a value to its colour.
 * @param {Drawing} drawing
 * @returns {(v: number) => number}
 */
function shader(drawing) {
  const { lo, hi } = drawing.limits;
  const toUnit = normaliser(drawing.scale, drawing.gamma, lo, hi);
  const colours = new Uint32Array(drawing.table.slice().buffer);
  const nan = packed(drawing.nan);
  const below = packed(drawing.below);
  const above = packed(drawing.above);
  return (v) => {
    if (v !== v) return nan;
    if (v < lo) return below;
    if (v > hi) return above;
    return colours[Math.max(0, Math.min(255, Math.floor(toUnit(v) * 256)))];
  };
}

/**
 * Return the painter of the usual case, without calls per pixel.
 * @param {Frame} frame
 * @param {Drawing} drawing
 * @returns {(out: Uint32Array, at: number, start: number, columns: Int32Array) => void}
 */
function linearPainter(frame, drawing) {
  const { lo, hi } = drawing.limits;
  const factor = 256 / (hi - lo);
  const colours = new Uint32Array(drawing.table.slice().buffer);
  const data = /** @type {Float32Array} */ (frame.data);
  const [nan, below, above] = [packed(drawing.nan), packed(drawing.below), packed(drawing.above)];
  return (out, at, start, columns) => {
    for (let x = 0; x < columns.length; x++) {
      const column = columns[x];
      if (column < 0) {
        out[at + x] = 0;
        continue;
      }
      const v = data[start + column];
      if (v >= lo && v <= hi) out[at + x] = colours[Math.min(255, ((v - lo) * factor) | 0)];
      else out[at + x] = v < lo ? below : v > hi ? above : nan;
    }
  };
}

/** @param {Frame} frame @param {Drawing} drawing @returns {(i: number) => number} */
function mapped(frame, drawing) {
  const read = reader(frame, drawing.part);
  const colour = shader(drawing);
  return (i) => colour(read(i));
}

/**
 * Return a function from a pixel of a colour image to its colour.
 * @param {Frame} frame
 * @param {Drawing} drawing
 * @returns {(i: number) => number}
 */
function ownColours(frame, drawing) {
  const { data, channels: n } = frame;
  const level = levels(frame, drawing);
  const opaque = n === 4 ? 255 / typeRange(frame).hi : 0;
  const nan = packed(drawing.nan);
  return (i) => {
    const r = data[n * i];
    const g = data[n * i + 1];
    const b = data[n * i + 2];
    if (r !== r || g !== g || b !== b) return nan;
    const a = opaque ? Math.max(0, Math.min(255, Math.round(Number(data[n * i + 3]) * opaque))) : 255;
    return ((a << 24) | (level(b) << 16) | (level(g) << 8) | level(r)) >>> 0;
  };
}

/**
 * Return a function from a value of a colour to its brightness, 0 to 255.
 * @param {Frame} frame
 * @param {Drawing} drawing
 * @returns {(v: number | bigint) => number}
 */
function levels(frame, drawing) {
  const { lo, hi } = drawing.limits;
  const toUnit = normaliser(drawing.scale, drawing.gamma, lo, hi);
  const direct = (/** @type {number | bigint} */ v) => Math.max(0, Math.min(255, Math.round(toUnit(Number(v)) * 255)));
  const values = 2 ** (8 * frame.data.BYTES_PER_ELEMENT);
  if (frame.kind !== "u" || values > Math.max(256, frame.data.length)) return direct;
  const known = Uint8Array.from({ length: values }, (_, v) => direct(v));
  return (v) => known[Number(v)];
}
