// @ts-check
// Choices in the toolbars of panels.
import { html } from "../vendor/preact.js";

/** Windows on the newest points. */
export const WINDOWS = [["", "all points"], ...[100, 1000, 10000, 100000].map((n) => [String(n), `last ${n.toLocaleString("en").replaceAll(",", " ")}`])];
/** Windows in time. */
export const SPANS = [["10s", "last 10 s"], ["1m", "last minute"], ["10m", "last 10 minutes"], ["1h", "last hour"], ["1d", "last day"]];

/**
 * @param {{label: string, value: string, options: any[], onChange: (value: string) => void, visible?: boolean}} props
 *   `visible`: the label is shown, and not only an accessible name
 */
export function Choice({ label, value, options, onChange, visible = false }) {
  const select = html`<select class="select" aria-label=${label} title=${label} value=${value} onChange=${(/** @type {any} */ e) => onChange(e.target.value)}>
    ${options.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`)}
  </select>`;
  return visible ? html`<label class="field row">${label} ${select}</label>` : select;
}

/**
 * @param {{tabs: [string, string][], value: string, onChange: (value: string) => void, label: string}} props
 */
export function Tabs({ tabs, value, onChange, label }) {
  const move = (/** @type {KeyboardEvent} */ event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = tabs.findIndex(([key]) => key === value);
    const next = (at + step + tabs.length) % tabs.length;
    onChange(tabs[next][0]);
    /** @type {any} */ (event.currentTarget).children[next].focus();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
    ${tabs.map(([key, text]) => html`<button key=${key} class="tab" role="tab" aria-selected=${key === value} tabindex=${key === value ? 0 : -1} onClick=${() => onChange(key)}>${text}</button>`)}
  </div>`;
}
