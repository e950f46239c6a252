// @ts-check
// A JSON value as a collapsible tree, with a search that expands matching entries.
import { html, useMemo, useState } from "../vendor/preact.js";

const OPEN_LEVELS = 2;
const PAGE = 100;

/**
 * Return whether a key or a value below it contains `text`.
 * @param {string} key
 * @param {unknown} value
 * @param {string} text  in lower case
 * @returns {boolean}
 */
export function matches(key, value, text) {
  if (key.toLowerCase().includes(text)) return true;
  if (value !== null && typeof value === "object") {
    return Object.entries(value).some(([name, item]) => matches(name, item, text));
  }
  return String(value).toLowerCase().includes(text);
}

/** @param {{value: any, label: string}} props */
export function JsonTree({ value, label }) {
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const empty = !value || !Object.keys(value).length;
  if (empty) return html`<p class="muted">No ${label}.</p>`;
  return html`<div class="json-tree">
    <input class="input" type="search" placeholder="Search keys and values" aria-label=${`Search in ${label}`}
      value=${text} onInput=${(/** @type {any} */ e) => setText(e.target.value)} />
    <div class="json-body" role="tree" aria-label=${label}>
      <${Entries} value=${value} level=${0} wanted=${wanted} />
    </div>
  </div>`;
}

/** @param {{value: any, level: number, wanted: string}} props */
function Entries({ value, level, wanted }) {
  const [limit, setLimit] = useState(PAGE);
  const entries = useMemo(() => {
    const all = Object.entries(value);
    return wanted ? all.filter(([key, item]) => matches(key, item, wanted)) : all;
  }, [value, wanted]);
  if (wanted && !entries.length) return html`<p class="muted">No matches.</p>`;
  const rest = entries.length - limit;
  return html`<div role="group" class="json-level">
    ${entries.slice(0, limit).map((/** @type {[string, any]} */ [key, item]) => html`<${Entry} key=${key} name=${key} value=${item} level=${level} wanted=${wanted} />`)}
    ${rest > 0 && html`<button class="btn quiet" onClick=${() => setLimit(limit + 10 * PAGE)}>${rest} more</button>`}
  </div>`;
}

/** @param {{name: string, value: any, level: number, wanted: string}} props */
function Entry({ name, value, level, wanted }) {
  const [open, setOpen] = useState(level < OPEN_LEVELS);
  if (value === null || typeof value !== "object") {
    return html`<div role="treeitem" class="json-leaf"><span class="json-key">${name}</span><${Leaf} value=${value} /></div>`;
  }
  const count = Object.keys(value).length;
  const list = Array.isArray(value);
  if (list && count <= 16 && value.every((item) => item === null || typeof item !== "object")) {
    return html`<div role="treeitem" class="json-leaf"><span class="json-key">${name}</span>
      <span class="json-list">${value.map((item, i) => html`<${Leaf} key=${i} value=${item} />`)}</span></div>`;
  }
  const shown = wanted ? true : open;
  // Below a matching name, all entries are shown.
  const below = wanted && name.toLowerCase().includes(wanted) ? "" : wanted;
  return html`<div role="treeitem" aria-expanded=${shown}>
    <button class="json-fold" onClick=${() => setOpen(!open)}>
      <span class=${shown ? "fold open" : "fold"} aria-hidden="true">›</span>
      <span class="json-key">${name}</span>
      <span class="muted num">${list ? `${count} items` : `${count} keys`}</span>
    </button>
    ${shown && count > 0 && html`<${Entries} value=${value} level=${level + 1} wanted=${below} />`}
  </div>`;
}

/** @param {{value: any}} props */
function Leaf({ value }) {
  const kind = value === null ? "literal" : typeof value;
  return html`<span class=${`json-value json-${kind}`}>${typeof value === "string" ? value : JSON.stringify(value)}</span>`;
}
