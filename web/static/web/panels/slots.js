// @ts-check
// Loading and failure states of panels, and controls to choose a range of rows.
import { html, useEffect, useState } from "../vendor/preact.js";

/** @param {{failure?: string}} props */
export function Pending({ failure }) {
  return failure
    ? html`<div class="panel"><p class="error">${failure}</p></div>`
    : html`<div class="empty"><span class="spinner" role="status" aria-label="Loading"></span></div>`;
}

/**
 * Controls for a range of rows: the first row and the number of rows, or the newest.
 * @param {{total: number, first: number | null, count: number, counts: number[], what: string,
 *   onChange: (patch: {first: number | null, count: number}) => void}} props  `first` null: the newest
 */
export function RowRange({ total, first, count, counts, what, onChange }) {
  const start = first ?? Math.max(0, total - count);
  const [text, setText] = useState(String(start));
  useEffect(() => setText(String(start)), [start]);
  const go = (/** @type {number} */ next) => onChange({ first: Math.max(0, Math.min(Math.max(0, total - 1), next)), count });
  const commit = () => (Number.isInteger(Number(text)) && text.trim() ? go(Number(text)) : setText(String(start)));
  return html`<button class="btn" aria-pressed=${first === null} title=${`Show the newest ${what}`} onClick=${() => onChange({ first: first === null ? start : null, count })}>newest</button>
    <div class="group" role="group" aria-label=${`Range of ${what}`}>
      <button class="btn" disabled=${start <= 0} aria-label=${`Earlier ${what}`} onClick=${() => go(start - count)}>‹</button>
      <input class="input num range-start" type="number" min="0" max=${Math.max(0, total - 1)} value=${text} aria-label=${`First of the ${what}`}
        onInput=${(/** @type {any} */ e) => setText(e.target.value)} onChange=${commit} />
      <button class="btn" disabled=${start + count >= total} aria-label=${`Later ${what}`} onClick=${() => go(start + count)}>›</button>
    </div>
    <label class="field row">show <select class="select" aria-label=${`How many ${what}`} onChange=${(/** @type {any} */ e) => onChange({ first, count: Number(e.target.value) })}>
      ${counts.map((n) => html`<option key=${n} value=${n} selected=${n === count}>${n}</option>`)}</select></label>
    <span class="muted num">of ${total} ${what}</span>`;
}

/**
 * Parse the range of rows of a view.
 * @param {any} view
 * @param {number} count  by default
 * @returns {{first: number | null, count: number}}
 */
export function parseRows(view, count) {
  const first = Number(view.first);
  const wanted = Number(view.count);
  return {
    first: view.first && Number.isInteger(first) && first >= 0 ? first : null,
    count: Number.isInteger(wanted) && wanted > 0 ? Math.min(wanted, 1000) : count,
  };
}
