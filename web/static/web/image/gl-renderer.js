// @ts-check
// Draw frames with WebGL2: textures of the frame's own type, limits and colours in the shader.
import { fragment, VERTEX } from "./gl-shaders.js";
import { exponent, linearWidth } from "./scales.js";
import { plan } from "./texture.js";

/**
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Drawing} Drawing
 * @typedef {import("./types.js").Renderer} Renderer
 * @typedef {import("./texture.js").Plan} Plan
 * @typedef {{program: WebGLProgram, at: (name: string) => WebGLUniformLocation | null}} Program
 * @typedef {{texture: WebGLTexture, key: string}} Store
 */

const PARTS = { amplitude: 0, phase: 1, real: 2, imaginary: 3 };
const SCALES = { linear: 0, sqrt: 1, gamma: 1, log: 2, symlog: 3 };
const UNITS = { image: 0, colours: 1, masks: 2 };
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** @implements {Renderer} */
export class GLRenderer {
  name = "WebGL2";

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{onLost: () => void, onRestored: () => void}} events
   */
  constructor(canvas, events) {
    const gl = canvas.getContext("webgl2", {
      alpha: true,
      antialias: false,
      depth: false,
      stencil: false,
    });
    if (!gl) throw new Error("WebGL2 is not available in this browser.");
    this.canvas = canvas;
    this.gl = gl;
    /** @type {Map<string, Program>} */
    this.programs = new Map();
    /** @type {Record<string, Store>} */
    this.stores = {};
    this.maxSize = /** @type {number} */ (gl.getParameter(gl.MAX_TEXTURE_SIZE));
    this.reset();
    this.listeners = new AbortController();
    const { signal } = this.listeners;
    const lost = (/** @type {Event} */ event) => {
      event.preventDefault();
      events.onLost();
    };
    const restored = () => {
      this.reset();
      events.onRestored();
    };
    canvas.addEventListener("webglcontextlost", lost, { signal });
    canvas.addEventListener("webglcontextrestored", restored, { signal });
  }

  /** Forget all resources, which are gone with a lost context. */
  reset() {
    this.programs = new Map();
    this.stores = {};
    /** @type {Plan | null} */
    this.plan = null;
    /** @type {Frame | null} */
    this.frame = null;
    /** @type {Uint8Array | null} */
    this.table = null;
    this.gl.pixelStorei(this.gl.UNPACK_ALIGNMENT, 1);
  }

  /** @param {number} width @param {number} height */
  resize(width, height) {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
  }

  /** @param {Frame} frame */
  upload(frame) {
    const made = plan(frame);
    const { gl } = this;
    this.store("image", frame.width, frame.height, made.internal);
    const [format, type] = [gl[made.format], gl[made.type]];
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, frame.width, frame.height, format, type, made.data);
    if (frame.mask?.length) {
      this.store("masks", frame.width, frame.height, "R8UI");
      const { width, height, mask } = frame;
      gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, width, height, gl.RED_INTEGER, gl.UNSIGNED_BYTE, mask);
    }
    this.frame = frame;
    // The data itself is not kept: it is in the texture.
    this.plan = { ...made, data: new Uint8Array(0) };
  }

  /**
   * Bind the texture of a name, recreated if its size or type changes.
   * @param {keyof typeof UNITS} name
   * @param {number} width
   * @param {number} height
   * @param {Plan["internal"]} internal
   */
  store(name, width, height, internal) {
    const { gl } = this;
    const key = `${internal} ${width} ${height}`;
    gl.activeTexture(gl.TEXTURE0 + UNITS[name]);
    const old = this.stores[name];
    if (old?.key === key) {
      gl.bindTexture(gl.TEXTURE_2D, old.texture);
      return;
    }
    if (old) gl.deleteTexture(old.texture);
    const texture = gl.createTexture();
    gl.bindTexture(gl.TEXTURE_2D, texture);
    gl.texStorage2D(gl.TEXTURE_2D, 1, gl[internal], width, height);
    // Textures of integers and of floats are complete without filters only.
    for (const filter of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) {
      gl.texParameteri(gl.TEXTURE_2D, filter, gl.NEAREST);
    }
    this.stores[name] = { texture, key };
  }

  /** @param {Plan["family"]} family @returns {Program} */
  program(family) {
    const found = this.programs.get(family);
    if (found) return found;
    const { gl } = this;
    const program = gl.createProgram();
    for (const [type, source] of /** @type {const} */ ([
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, fragment(family)],
    ])) {
      const shader = /** @type {WebGLShader} */ (gl.createShader(type));
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      throw new Error(`The shader was rejected by the driver: ${gl.getProgramInfoLog(program)}`);
    }
    /** @type {Map<string, WebGLUniformLocation | null>} */
    const places = new Map();
    const at = (/** @type {string} */ name) => {
      if (!places.has(name)) places.set(name, gl.getUniformLocation(program, name));
      return places.get(name) ?? null;
    };
    const made = { program, at };
    this.programs.set(family, made);
    return made;
  }

  /** @param {Drawing} drawing */
  draw(drawing) {
    const { gl, frame, plan: made } = this;
    if (!frame || !made || gl.isContextLost()) return;
    const { program, at } = this.program(made.family);
    gl.useProgram(program);
    if (drawing.table !== this.table) this.uploadTable(drawing.table);
    if (!this.stores.masks) this.store("masks", 1, 1, "R8UI");
    for (const [name, unit] of Object.entries(UNITS)) gl.uniform1i(at(name), unit);
    const { ax, bx, ay, by } = drawing.transform;
    // The canvas counts rows from the top, WebGL from the bottom.
    gl.uniform4f(at("transform"), ax, bx, -ay, by + ay * this.canvas.height);
    gl.uniform2i(at("size"), frame.width, frame.height);
    gl.uniform1i(at("hasMask"), frame.mask?.length ? 1 : 0);
    if (made.units) gl.uniform2f(at("units"), ...made.units);
    this.setValues(drawing, at);
    for (const name of /** @type {const} */ (["nan", "below", "above", "masked"])) {
      const [r, g, b, a] = drawing[name];
      gl.uniform4f(at(`${name}Colour`), r / 255, g / 255, b / 255, a / 255);
    }
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
  }

  /**
   * Set limits, scale and masked values, relative to the base of the values.
   * @param {Drawing} drawing
   * @param {Program["at"]} at
   */
  setValues(drawing, at) {
    const { gl } = this;
    const made = /** @type {Plan} */ (this.plan);
    const { lo, hi } = drawing.limits;
    const base = this.setBase(made, drawing, at);
    gl.uniform2f(at("limits"), lo - base, hi - base);
    gl.uniform1i(at("scale"), drawing.scale === "gamma" && drawing.gamma === 1 ? 0 : SCALES[drawing.scale]);
    gl.uniform1i(at("part"), PARTS[drawing.part]);
    if (drawing.scale === "log") {
      gl.uniform3f(at("curve"), Math.log(lo), 1 / (Math.log(hi) - Math.log(lo)), 1);
    } else if (drawing.scale === "symlog") {
      const linear = linearWidth(lo, hi);
      const s = (/** @type {number} */ v) => Math.sign(v) * Math.log1p(Math.abs(v) / linear);
      gl.uniform3f(at("curve"), s(lo), 1 / (s(hi) - s(lo)), linear);
    } else {
      gl.uniform3f(at("curve"), exponent(drawing.scale, drawing.gamma), 0, 1);
    }
  }

  /**
   * @param {Plan} made
   * @param {Drawing} drawing
   * @param {Program["at"]} at
   * @returns {number} the base that values are relative to
   */
  setBase({ family, offset }, drawing, at) {
    const { gl } = this;
    const values = [...drawing.maskValues, 0, 0, 0, 0].slice(0, 4);
    gl.uniform1i(at("maskCount"), Math.min(4, drawing.maskValues.length));
    if (family === "u") {
      const base = Math.min(2 ** 32 - 1, Math.max(0, Math.floor(drawing.limits.lo)));
      gl.uniform1ui(at("base"), base);
      gl.uniform4uiv(at("maskValues"), values);
      return base;
    }
    if (family === "i") {
      const base = Math.min(2 ** 31 - 1, Math.max(-(2 ** 31), Math.floor(drawing.limits.lo)));
      gl.uniform1i(at("base"), base);
      gl.uniform4iv(at("maskValues"), values);
      return base;
    }
    gl.uniform1f(at("base"), offset);
    gl.uniform4fv(at("maskValues"), values.map((v) => v - offset));
    return offset;
  }

  /** @param {Uint8Array} table */
  uploadTable(table) {
    const { gl } = this;
    this.store("colours", 256, 1, "RGBA8");
    gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, 256, 1, gl.RGBA, gl.UNSIGNED_BYTE, table);
    this.table = table;
  }

  /** Return whether the processors do the work of a graphics card. */
  get isSoftware() {
    const names = this.gl.getExtension("WEBGL_debug_renderer_info");
    return SOFTWARE.test(String(this.gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : this.gl.RENDERER)));
  }

  finish() {
    // Reading a pixel waits for the drawing; gl.finish() does not in all browsers.
    const { gl } = this;
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  }

  dispose() {
    this.listeners.abort();
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
