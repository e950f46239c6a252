// @ts-check
// Sliders for the leading axes of an array, and a button that returns to the newest image.
import { html } from "../vendor/preact.js";
import { formatNumber } from "../app/format.js";
import { icon } from "../icons/icons.js";

/**
 * @param {{lead: number[], dims: string[] | null, index: number[] | null, newest: boolean,
 *   onIndex: (index: number[] | null) => void}} props
 */
export function AxisSliders({ lead, dims, index, newest, onIndex }) {
  const at = index ?? lead.map((size) => size - 1);
  const set = (/** @type {number} */ axis, /** @type {number} */ value) => {
    if (!Number.isInteger(value)) return;
    onIndex(at.map((old, i) => (i === axis ? Math.max(0, Math.min(lead[axis] - 1, value)) : old)));
  };
  return html`
    ${lead.map((size, axis) => {
      const name = dims?.[axis] ?? `axis ${axis}`;
      return html`<label key=${axis} class="field row axis"><span>${name}</span>
        <input type="range" min="0" max=${Math.max(0, size - 1)} value=${at[axis]} aria-label=${name} onInput=${(/** @type {any} */ e) => set(axis, Number(e.target.value))} />
        <input class="input num axis-number" type="number" min="0" max=${Math.max(0, size - 1)} value=${at[axis]} aria-label=${`${name}, index`} onChange=${(/** @type {any} */ e) => set(axis, Number(e.target.value))} />
        <span class="num">of ${formatNumber(size)}</span></label>`;
    })}
    <button class="btn" aria-pressed=${newest} aria-label="Follow the newest" title="Show each new image as it arrives" onClick=${() => onIndex(newest ? at : null)}>${icon("latest")}<span class="follow-text">Follow the newest</span></button>`;
}
