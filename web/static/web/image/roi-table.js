// @ts-check
// The regions of interest as a table: their bounds, to type, and statistics of the current frame.
import { html } from "../vendor/preact.js";
import { icon } from "../icons/icons.js";
import { READING_MS, useDisplay } from "./hooks.js";
import { addRoi, removeRoi } from "./keyboard.js";
import { whole } from "./roi.js";
import { shortNumber } from "./scales.js";
import { MAX_ROIS, formatRois } from "./view.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./pointer.js").Mode} Mode
 * @typedef {import("./types.js").Region} Region
 * @typedef {import("./roi.js").Statistics} Statistics
 */

/** @type {[keyof Region, string][]} */
const BOUNDS = [
  ["y0", "First row"],
  ["y1", "End row"],
  ["x0", "First column"],
  ["x1", "End column"],
];

const NUMBERS = ["Mean", "Sum", "Min", "Max", "Pixels"];

/** @param {{display: Display, mode: Mode}} props */
export function RoiTable({ display, mode }) {
  useDisplay(display, READING_MS);
  const { rois } = display;
  if (rois.length === 0 && !mode.roi) return null;
  const found = display.statistics();
  return html`<div class="image-rois">
    ${rois.length > 0 && html`<div class="image-scroll"><table class="plain num">
      <caption class="visually-hidden">Regions of interest</caption>
      <thead><tr>
        <th scope="col">Region</th>
        ${NUMBERS.map((name) => html`<th scope="col" class="right">${name}</th>`)}
        <th scope="col">Rows</th><th scope="col">Columns</th>
        <th><span class="visually-hidden">Remove</span></th>
      </tr></thead>
      <tbody>${rois.map(
        (one, i) => html`<${Row} key=${i} display=${display} mode=${mode} region=${one} index=${i}
          of=${found[i]} />`,
      )}</tbody>
    </table></div>`}
    ${mode.roi && html`<p class="muted image-hint">
      ${rois.length < MAX_ROIS
        ? html`Drag on the image to draw a region. ${" "}
            <button type="button" class="btn" onClick=${() => addRoi(display, mode)}>
              ${icon("add")} Add in the middle</button>`
        : `There are ${MAX_ROIS} regions; remove one to draw another.`}
    </p>`}
  </div>`;
}

/** @param {{display: Display, mode: Mode, region: Region, index: number, of: Statistics | undefined}} props */
function Row({ display, mode, region, index, of }) {
  const set = (/** @type {keyof Region} */ bound, /** @type {Event} */ event) => {
    const { value } = /** @type {HTMLInputElement} */ (event.currentTarget);
    if (value.trim() === "" || !Number.isFinite(Number(value))) return;
    const rois = [...display.settings.rois];
    rois[index] = whole({ ...region, [bound]: Number(value) }, display.full);
    display.ask({ roi: formatRois(rois) });
  };
  const field = ([bound, label] = BOUNDS[0]) =>
    html`<input class="input num" type="number" min="0" aria-label=${`${label} of region ${index + 1}`}
      value=${region[bound]} onChange=${(/** @type {Event} */ event) => set(bound, event)}
      onFocus=${() => mode.select(index)} />`;
  const cell = (/** @type {keyof Statistics} */ name) =>
    html`<td class="right">${of ? shortNumber(Number(of[name]), 6) : ""}</td>`;
  return html`<tr class="image-roi-row" data-number=${index + 1} aria-selected=${mode.roi && index === mode.selected}>
    <th scope="row"><span class="image-swatch"></span>${index + 1}</th>
    ${cell("mean")}${cell("sum")}${cell("min")}${cell("max")}
    <td class="right">${of?.count ?? ""}${of?.outside ? html` <span class="muted">(partly read)</span>` : ""}</td>
    <td>${field(BOUNDS[0])}–${field(BOUNDS[1])}</td>
    <td>${field(BOUNDS[2])}–${field(BOUNDS[3])}</td>
    <td><button type="button" class="btn icon quiet" aria-label=${`Remove region ${index + 1}`}
      onClick=${() => removeRoi(display, index)}>${icon("close")}</button></td>
  </tr>`;
}
