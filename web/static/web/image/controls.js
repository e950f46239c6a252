// @ts-check
// The toolbar of the image view.
import { html, useEffect, useState } from "../vendor/preact.js";
import { icon } from "../icons/icons.js";
import { GROUPS } from "./colormaps.js";
import { savePicture, saveValues } from "./export.js";
import { useDisplay } from "./hooks.js";
import { Popover } from "./popover.js";
import { SCALES } from "./scales.js";
import { DEFAULTS, PARTS } from "./view.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./types.js").Settings} Settings
 * @typedef {import("./types.js").View} View
 * @typedef {import("./keyboard.js").Modes} Modes
 * @typedef {{display: Display, settings: Settings, ask: (patch: View) => void}} Props
 */

/** @type {Record<string, string>} */
const MAP_NAMES = { rdbu: "RdBu", prgn: "PRGn" };
/** @type {Record<string, string>} */
const SCALE_NAMES = { sqrt: "Square root", symlog: "Symlog" };
const ZOOM_STEP = 1.5;

/** @param {string} text */
const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** @param {Event} event @returns {string} */
const valueOf = (event) => /** @type {HTMLInputElement} */ (event.currentTarget).value;

/**
 * @param {Props & {modes: Modes, voice: boolean, kind: string, channels: number, label: string,
 *   root: {current: HTMLElement | null}}} props
 */
export function Controls({ display, settings, ask, modes, voice, kind, channels, label, root }) {
  const props = { display, settings, ask };
  const mapped = channels === 1;
  return html`<div class="toolbar image-controls" role="group" aria-label="Image">
    ${mapped && html`<${MapSelect} ...${props} />`}
    <div class="image-wide"><${ScaleSelect} ...${props} /></div>
    ${kind === "c" && html`<${PartSelect} ...${props} />`}
    <div class="group image-wide"><${ZoomButtons} display=${display} /></div>
    <div class="group">
      ${toggle("Profiles (p)", "profiles", settings.profiles, () => ask({ profiles: !settings.profiles }))}
      ${toggle("Regions of interest (r)", "roi", modes.roi, modes.toggleRoi)}
    </div>
    <span class="grow"></span>
    <${Popover} label="Display" symbol="settings">
      <${Options} ...${props} mapped=${mapped} modes=${modes} voice=${voice} />
    <//>
    <${Popover} label="Save or print" symbol="download" menu=${true}>
      <${SaveMenu} display=${display} settings=${settings} modes=${modes} label=${label} root=${root} />
    <//>
  </div>`;
}

/** @param {{display: Display}} props */
function ZoomButtons({ display }) {
  return html`
    ${button("Zoom out (−)", "−", () => display.zoom.by(1 / ZOOM_STEP))}
    ${button("Zoom in (+)", "+", () => display.zoom.by(ZOOM_STEP))}
    ${button("Show the whole image (0)", icon("fit"), () => display.zoom.to(null))}`;
}

/** @param {string} label @param {any} content @param {() => void} action */
function button(label, content, action) {
  return html`<button type="button" class="btn icon" aria-label=${label} title=${label} onClick=${action}>
    ${content}</button>`;
}

/** @param {string} label @param {string} symbol @param {boolean} pressed @param {() => void} action */
function toggle(label, symbol, pressed, action) {
  return html`<button type="button" class="btn icon" aria-label=${label} title=${label} aria-pressed=${pressed}
    onClick=${action}>${icon(symbol)}</button>`;
}

/** @param {Props} props */
function MapSelect({ settings, ask }) {
  return html`<div class="group">
    <select class="select" aria-label="Colour map" title="Colour map ([ and ])" value=${settings.map}
      onChange=${(/** @type {Event} */ event) => ask({ map: valueOf(event) })}>
      ${GROUPS.map(
        ([group, names]) => html`<optgroup label=${group}>
          ${names.map((name) => html`<option value=${name}>${MAP_NAMES[name] ?? capital(name)}</option>`)}
        </optgroup>`,
      )}
    </select>
    ${toggle("Invert the colour map (i)", "invert", settings.invert, () => ask({ invert: !settings.invert }))}
  </div>`;
}

/** @param {Props} props */
function ScaleSelect({ settings, ask }) {
  const [text, setText] = useState(String(settings.gamma));
  useEffect(() => setText(String(settings.gamma)), [settings.gamma]);
  const commit = () => {
    if (Number(text) > 0) ask({ gamma: Number(text) });
    else setText(String(settings.gamma));
  };
  return html`<select class="select" aria-label="Scale" title="Scale (l)" value=${settings.scale}
      onChange=${(/** @type {Event} */ event) => ask({ scale: valueOf(event) })}>
      ${SCALES.map((name) => html`<option value=${name}>${SCALE_NAMES[name] ?? capital(name)}</option>`)}
    </select>
    ${settings.scale === "gamma" &&
    html`<input class="input num image-gamma" type="number" min="0.05" max="20" step="0.05" aria-label="Gamma"
      title="Gamma" value=${text} onInput=${(/** @type {Event} */ event) => setText(valueOf(event))}
      onChange=${commit} />`}`;
}

/** @param {Props} props */
function PartSelect({ settings, ask }) {
  return html`<select class="select" aria-label="Part of complex values" value=${settings.part}
    onChange=${(/** @type {Event} */ event) => ask({ part: valueOf(event) })}>
    ${PARTS.map((name) => html`<option value=${name}>${capital(name)}</option>`)}
  </select>`;
}

/** @param {Props & {mapped: boolean, modes: Modes, voice: boolean}} props */
function Options({ display, settings, ask, mapped, modes, voice }) {
  const check = (/** @type {string} */ text, /** @type {boolean} */ on, /** @type {() => void} */ action) =>
    html`<label class="field row"><input type="checkbox" checked=${on} onChange=${action} /> ${text}</label>`;
  return html`<div class="image-options">
    <div class="image-narrow">
      <${ScaleSelect} display=${display} settings=${settings} ask=${ask} />
      <div class="group"><${ZoomButtons} display=${display} /></div>
    </div>
    <fieldset><legend>Image</legend>
      ${check("Free aspect", settings.aspect === "free", () =>
        ask({ aspect: settings.aspect === "free" ? "keep" : "free" }),
      )}
      ${check("Flip left and right", settings.flipX, () => ask({ flipX: !settings.flipX }))}
      ${check("Flip up and down", settings.flipY, () => ask({ flipY: !settings.flipY }))}
      ${check("Announce values (v)", voice, modes.toggleVoice)}
    </fieldset>
    ${mapped &&
    html`<fieldset><legend>Colours</legend>
      <${ColourField} name="nan" text="Not a number" settings=${settings} ask=${ask} />
      <${ColourField} name="below" text="Below the limits" settings=${settings} ask=${ask} />
      <${ColourField} name="above" text="Above the limits" settings=${settings} ask=${ask} />
      <${ColourField} name="masked" text="Masked" settings=${settings} ask=${ask} />
      <label class="field">Masked values
        <input class="input" type="text" value=${settings.mask} placeholder="such as max or -1;0"
          onChange=${(/** @type {Event} */ event) => ask({ mask: valueOf(event).trim() || null })} />
      </label>
    </fieldset>`}
  </div>`;
}

/** @param {{name: "nan" | "below" | "above" | "masked", text: string, settings: Settings, ask: (patch: View) => void}} props */
function ColourField({ name, text, settings, ask }) {
  const fallback = DEFAULTS[name];
  const value = settings[name];
  const shown = /^#[0-9a-f]{6}$/i.test(value) ? value : "#000000";
  return html`<div class="image-colour">
    <label class="field row"><input type="color" value=${shown} data-unset=${value === ""}
      onInput=${(/** @type {Event} */ event) => ask({ [name]: valueOf(event) })} /> ${text}</label>
    ${value === fallback
      ? html`<span class="muted">${fallback ? "default" : "end of the map"}</span>`
      : html`<button type="button" class="btn quiet" aria-label=${`Default colour: ${text}`}
          onClick=${() => ask({ [name]: null })}>Default</button>`}
  </div>`;
}

/** @param {{display: Display, settings: Settings, modes: Modes, label: string, root: {current: HTMLElement | null}}} props */
function SaveMenu({ display, settings, modes, label, root }) {
  const picture = () => root.current && savePicture(display, root.current, label);
  const roi = settings.rois[modes.selected] ?? settings.rois[0];
  return html`
    <button type="button" onClick=${picture}>${icon("image")} Picture (PNG)</button>
    <button type="button" onClick=${() => saveValues(display, label, display.zoom.visible)}>
      ${icon("table")} Values shown (CSV)</button>
    ${roi && html`<button type="button" onClick=${() => saveValues(display, label, roi)}>
      ${icon("roi")} Values of the region (CSV)</button>`}
    <button type="button" onClick=${() => window.print()}>${icon("line")} Print</button>
    <${Performance} display=${display} />`;
}

/** @param {{display: Display}} props */
function Performance({ display }) {
  useDisplay(display);
  const { surface } = display;
  if (!surface) return null;
  return html`<p class="muted image-performance num">${surface.renderer.name},
    ${" "}${display.took.toFixed(1)} ms per image</p>`;
}
