// A page with one image view, which tests and developers drive through `window.page`.
import { html, render } from "/static/web/vendor/preact.js";
import { ImageView } from "/static/web/image/image-view.js";

const TYPES = {
  bool: [Uint8Array, "b"], uint8: [Uint8Array, "u"], uint16: [Uint16Array, "u"], uint32: [Uint32Array, "u"],
  uint64: [BigUint64Array, "u"], int8: [Int8Array, "i"], int16: [Int16Array, "i"], int32: [Int32Array, "i"],
  int64: [BigInt64Array, "i"], float32: [Float32Array, "f"], float64: [Float64Array, "f"],
  complex64: [Float32Array, "c"], complex128: [Float64Array, "c"],
};
const state = { frame: null, view: {}, renderer: new URLSearchParams(location.search).get("renderer") ?? "auto" };
// A new key makes a new view.
let key = 0;
const page = { state, patches: [], viewports: [], display: null, waiting: [] };
window.page = page;

function paint() {
  render(
    html`<${ImageView} key=${key} frame=${state.frame} size=${state.size} view=${state.view} renderer=${state.renderer} label="Test image"
      onView=${(patch) => {
        page.patches.push(patch);
        state.view = { ...state.view, ...patch };
        paint();
      }}
      onDrawn=${() => page.waiting.splice(0).forEach((resolve) => resolve())}
      onViewport=${(viewport) => page.viewports.push(viewport)}
      onDisplay=${(display) => { page.display = display; }} />`,
    document.getElementById("app"),
  );
}

page.frame = ({ dtype, base64, height, width, channels = 1, y0 = 0, x0 = 0, dy = 1, dx = 1, ...rest }) => {
  const [Type, kind] = TYPES[dtype];
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const full = { fullHeight: rest.fullHeight ?? y0 + height * dy, fullWidth: rest.fullWidth ?? x0 + width * dx };
  const mask = rest.mask ? Uint8Array.from(rest.mask) : null;
  return { data: new Type(bytes.buffer), kind, height, width, channels, y0, x0, dy, dx, time: null, ...full, mask };
};

/** Begin anew with another renderer. */
page.reset = (renderer) => {
  Object.assign(state, { frame: null, size: undefined, view: {}, renderer });
  Object.assign(page, { patches: [], viewports: [], waiting: [] });
  key++;
  paint();
};

/** Show a frame, and wait until it is drawn. */
page.show = (spec, view = {}) => page.put(page.frame(spec), view);
page.put = (frame, view = state.view) => {
  state.frame = frame;
  state.view = view;
  const drawn = new Promise((resolve) => page.waiting.push(resolve));
  paint();
  return drawn;
};
page.set = (view) => {
  state.view = view;
  paint();
  return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
};

/** Return the image as the renderer has drawn it. */
page.copy = () => {
  page.display.passNow();
  const { canvas } = page.display.surface.renderer;
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext("2d");
  context.drawImage(canvas, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
};
/** Return the colours at points [y, x] of the array. */
page.colours = (points) => {
  const image = page.copy();
  const { density } = page.display.zoom;
  return points.map(([y, x]) => {
    const { px, py } = page.display.zoom.toStage(x + 0.5, y + 0.5);
    const at = 4 * (Math.floor(py * density) * image.width + Math.floor(px * density));
    return [...image.data.subarray(at, at + 4)];
  });
};
paint();
