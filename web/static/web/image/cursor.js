// @ts-check
// The readout: place and value of the pixel under the cursor, and what the frame is.
import { html } from "../vendor/preact.js";
import { pixelText, reader } from "./frame.js";
import { useDisplay } from "./hooks.js";
import { shortNumber } from "./scales.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./types.js").Frame} Frame
 */

/**
 * Return the place and the value at the cursor, in indices of the full array; null outside.
 * @param {Display} display
 * @returns {{y: number, x: number, text: string} | null}
 */
export function readout(display) {
  const { frame, cursor, settings } = display;
  const pixel = display.pixelAtCursor();
  if (!frame || !cursor || pixel < 0) return null;
  const row = Math.floor(pixel / frame.width);
  const exact = pixelText(frame, pixel, (value) => shortNumber(value, 7));
  const part = frame.kind === "c" ? ` (${settings.part} ${shortNumber(reader(frame, settings.part)(pixel))})` : "";
  const masked = frame.mask?.[pixel] ? " masked" : "";
  return {
    y: frame.y0 + row * frame.dy,
    x: frame.x0 + (pixel - row * frame.width) * frame.dx,
    text: `${exact}${part}${masked}`,
  };
}

/** @param {Frame} frame */
export function typeName(frame) {
  const bits = 8 * frame.data.BYTES_PER_ELEMENT;
  const names = { u: `uint${bits}`, i: `int${bits}`, f: `float${bits}`, c: `complex${2 * bits}`, b: "bool" };
  const colours = { 1: "", 3: " RGB", 4: " RGBA" };
  return `${names[frame.kind]}${colours[frame.channels]}`;
}

/** @param {Frame} frame */
function steps({ dy, dx }) {
  if (dy === 1 && dx === 1) return "";
  return dy === dx ? `, 1 pixel per ${dy} × ${dx}` : `, 1 pixel per ${dy} rows × ${dx} columns`;
}

/** @param {{display: Display, voice: boolean}} props */
export function Readout({ display, voice }) {
  useDisplay(display);
  const { frame, sample } = display;
  // With its later height, as the size of the canvas decides which part is requested.
  if (!frame) return html`<div class="image-readout num"></div>`;
  const at = readout(display);
  const share = sample.notFinite / Math.max(1, sample.values.length + sample.notFinite);
  return html`<div class="image-readout num">
    <span class="image-value" aria-live=${voice ? "polite" : "off"} aria-atomic="true">
      ${at
        ? html`<span class="muted">y</span> ${at.y} <span class="muted">x</span> ${at.x}${" "}
            <strong>${at.text}</strong>`
        : html`<span class="muted">No pixel under the cursor</span>`}
    </span>
    <span class="muted image-facts">
      ${share > 0 ? `${shortNumber(share * 100, 2)} % not finite · ` : ""}${frame.fullHeight} × ${frame.fullWidth}${" "}
      ${typeName(frame)}${steps(frame)}
    </span>
  </div>`;
}
