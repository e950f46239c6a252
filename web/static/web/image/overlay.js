// @ts-check
// What lies over the image: regions of interest, and the lines of cursor and profiles.
import { html } from "../vendor/preact.js";
import { useDisplay } from "./hooks.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./types.js").Region} Region
 */

const CORNER = 8;

/** @param {{display: Display, roi: boolean, selected: number, crosshair: boolean}} props */
export function Overlay({ display, roi, selected, crosshair }) {
  useDisplay(display);
  if (!display.frame) return null;
  return html`<svg class="image-overlay" aria-hidden="true">
    ${crosshair && display.cursor && html`<${Crosshair} display=${display} />`}
    ${display.rois.map(
      (one, i) => html`<${Box} display=${display} region=${one} number=${i + 1}
        selected=${roi && i === selected} handles=${roi} />`,
    )}
  </svg>`;
}

/** @param {{display: Display}} props */
function Crosshair({ display }) {
  const { zoom, cursor } = display;
  if (!cursor) return null;
  const { px, py } = zoom.toStage(cursor.x, cursor.y);
  const { width, height } = zoom.stage;
  return html`<g class="image-crosshair">
    <line x1="0" x2=${width} y1=${py} y2=${py} /><line x1=${px} x2=${px} y1="0" y2=${height} />
  </g>`;
}

/** @param {{display: Display, region: Region, number: number, selected: boolean, handles: boolean}} props */
function Box({ display, region, number, selected, handles }) {
  const a = display.zoom.toStage(region.x0, region.y0);
  const b = display.zoom.toStage(region.x1, region.y1);
  const [x, y] = [Math.min(a.px, b.px), Math.min(a.py, b.py)];
  const [w, h] = [Math.abs(a.px - b.px), Math.abs(a.py - b.py)];
  const corner = (/** @type {number} */ cx, /** @type {number} */ cy) =>
    html`<rect class="corner" x=${cx - CORNER / 2} y=${cy - CORNER / 2} width=${CORNER} height=${CORNER} />`;
  return html`<g class="image-roi" data-number=${number} data-selected=${selected}>
    <rect class="halo" x=${x} y=${y} width=${w} height=${h} />
    <rect class="box" x=${x} y=${y} width=${w} height=${h} />
    <text x=${x + 4} y=${y + 13}>${number}</text>
    ${handles && [corner(x, y), corner(x + w, y), corner(x, y + h), corner(x + w, y + h)]}
  </g>`;
}
