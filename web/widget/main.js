// @ts-check
// The widget of live plots in notebooks, as anywidget loads it: https://anywidget.dev/en/afm
import { html, render as draw } from "../static/web/vendor/preact.js";
import { themeFrom } from "../static/web/plots/theme.js";
import { Store } from "./store.js";
import { isDark, watchTheme } from "./theme.js";
import { LiveView } from "./views.js";

/** @typedef {import("./types.js").Model} Model */

/** By the keys of widgets: each view of one has its own model. @type {Map<string, Store>} */
const stores = new Map();
/** Elements of the views that are shown. @type {Set<HTMLElement>} */
const shown = new Set();

themeFrom(() => [...shown].find((each) => each.isConnected) ?? document.documentElement);

/** @param {{model: Model}} context */
function initialize({ model }) {
  const key = model.get("key");
  stores.set(key, new Store(model));
  return () => stores.delete(key);
}

/** @param {{model: Model, el: HTMLElement}} context */
function render({ model, el }) {
  const store = /** @type {Store} */ (stores.get(model.get("key")));
  const root = document.createElement("div");
  root.className = "tiled-live";
  root.dataset.kind = model.get("kind");
  // Keys belong to the plot that has the focus, not to the notebook.
  root.dataset.lmSuppressShortcuts = "true";
  root.addEventListener("keydown", (event) => event.stopPropagation());
  el.append(root);
  shown.add(root);
  let request = 0;
  let dark = /** @type {boolean | null} */ (null);

  const show = () => {
    if (isDark(el) === dark) return;
    dark = isDark(el);
    root.dataset.theme = dark ? "dark" : "light";
    const props = { store, kind: model.get("kind"), label: model.get("label"), picture: pictureOf(model) };
    // Plots take their colours when they are made.
    draw(html`<${LiveView} key=${String(dark)} ...${props} />`, root);
  };
  // The notebook puts the element into the page later; only there it has sizes and colours.
  const begin = () => {
    if (!el.isConnected) {
      request = requestAnimationFrame(begin);
      return;
    }
    show();
    model.send({ type: "ready" });
  };
  begin();
  const stop = watchTheme(() => el.isConnected && show());
  return () => {
    cancelAnimationFrame(request);
    stop();
    shown.delete(root);
    draw(null, root);
  };
}

/**
 * Return the address of the saved picture, "" if there is none.
 * @param {Model} model
 */
function pictureOf(model) {
  const bytes = /** @type {DataView | null} */ (model.get("picture"));
  if (!bytes?.byteLength) return "";
  const content = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return `data:image/png;base64,${btoa(Array.from(content, (byte) => String.fromCharCode(byte)).join(""))}`;
}

export default { initialize, render };
