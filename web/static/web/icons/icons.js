// @ts-check
// Icons drawn for this page, on a grid of 16 by 16, in the colour of the text.
import { html } from "../vendor/preact.js";

/** Paths by name; lines of 1.5 units unless a name is listed in FILLED. @type {Record<string, string>} */
const PATHS = {
  container: "M1.75 4.25v8.5h12.5V5.75h-6.5l-1.5-1.5z",
  array: "M2.25 2.25h11.5v11.5H2.25zM2.25 6.1h11.5M2.25 9.9h11.5M6.1 2.25v11.5M9.9 2.25v11.5",
  table: "M2.25 2.75h11.5v10.5H2.25zM2.25 6h11.5M6.5 6v7.25",
  sparse: "M3.5 3.5h.01M12.5 4.5h.01M8 8h.01M4.5 12.5h.01M11.5 12h.01",
  ragged: "M2.25 3.5h11.5M2.25 8h6M2.25 12.5h9",
  awkward: "M6 2.5H4.75A1.25 1.25 0 0 0 3.5 3.75v2.5L2.25 8l1.25 1.75v2.5a1.25 1.25 0 0 0 1.25 1.25H6M10 2.5h1.25a1.25 1.25 0 0 1 1.25 1.25v2.5L13.75 8l-1.25 1.75v2.5a1.25 1.25 0 0 1-1.25 1.25H10",
  chevron: "M6 3.5 10.5 8 6 12.5",
  search: "M7 11.75a4.75 4.75 0 1 0 0-9.5 4.75 4.75 0 0 0 0 9.5zM10.5 10.5l3.25 3.25",
  filter: "M2 3.25h12l-4.5 5.5v4l-3-1.25V8.75z",
  sort: "M4.5 3v10M2.25 10.75 4.5 13l2.25-2.25M11.5 13V3M9.25 5.25 11.5 3l2.25 2.25",
  pause: "M5.25 3v10M10.75 3v10",
  play: "M4.5 2.75v10.5l8.5-5.25z",
  previous: "M10.5 3.5 6 8l4.5 4.5M4 3.5v9",
  next: "M5.5 3.5 10 8l-4.5 4.5M12 3.5v9",
  latest: "M3.5 3.5 8 8l-4.5 4.5M8.5 3.5 13 8l-4.5 4.5",
  copy: "M5.5 5.5V2.25h8.25v8.25H10.5M2.25 5.5h8.25v8.25H2.25z",
  check: "M3 8.5 6.5 12 13 4.5",
  download: "M8 2.25v8M4.75 7.25 8 10.5l3.25-3.25M2.75 13.25h10.5",
  code: "M5.5 4 1.75 8l3.75 4M10.5 4l3.75 4-3.75 4",
  info: "M8 14.25a6.25 6.25 0 1 0 0-12.5 6.25 6.25 0 0 0 0 12.5zM8 7.25v4M8 4.9v.1",
  help: "M8 14.25a6.25 6.25 0 1 0 0-12.5 6.25 6.25 0 0 0 0 12.5zM6.1 6.2a1.9 1.9 0 1 1 2.6 1.75c-.5.2-.7.5-.7 1v.3M8 11.4v.1",
  user: "M8 8a2.75 2.75 0 1 0 0-5.5A2.75 2.75 0 0 0 8 8zM2.75 13.75c.5-2.5 2.5-3.75 5.25-3.75s4.75 1.25 5.25 3.75",
  live: "M8 9.25a1.25 1.25 0 1 0 0-2.5 1.25 1.25 0 0 0 0 2.5zM4.75 11.25a4.6 4.6 0 0 1 0-6.5M11.25 4.75a4.6 4.6 0 0 1 0 6.5M2.75 13.25a7.4 7.4 0 0 1 0-10.5M13.25 2.75a7.4 7.4 0 0 1 0 10.5",
  panes: "M2.25 2.25h11.5v11.5H2.25zM8 2.25v11.5M2.25 8h11.5",
  add: "M8 3v10M3 8h10",
  close: "M3.75 3.75l8.5 8.5M12.25 3.75l-8.5 8.5",
  menu: "M2.25 4h11.5M2.25 8h11.5M2.25 12h11.5",
  home: "M2.25 7.5 8 2.5l5.75 5M3.75 6.5v7h8.5v-7",
  settings: "M2.25 4.5h5M10.75 4.5h3M9 6.25v-3.5M2.25 11.5h3M8.75 11.5h5M7 13.25v-3.5",
  fit: "M2.25 5.75v-3.5h3.5M10.25 2.25h3.5v3.5M13.75 10.25v3.5h-3.5M5.75 13.75h-3.5v-3.5",
  roi: "M2.25 4.5V2.25H4.5M7 2.25h2M11.5 2.25h2.25V4.5M13.75 7v2M13.75 11.5v2.25H11.5M9 13.75H7M4.5 13.75H2.25V11.5M2.25 9V7",
  flipx: "M8 2v12M5.5 4.5v7l-3.5 0zM10.5 4.5v7l3.5 0z",
  flipy: "M2 8h12M4.5 5.5h7l0-3.5zM4.5 10.5h7l0 3.5z",
  profiles: "M2.25 2.25v11.5h11.5M4.5 10.5l2.5-4 2.25 2.5 3.5-5",
  invert: "M8 14.25a6.25 6.25 0 1 0 0-12.5 6.25 6.25 0 0 0 0 12.5zM8 1.75v12.5",
  image: "M2.25 2.75h11.5v10.5H2.25zM2.5 11l3.25-3.5 2.75 2.75L10.75 8l2.75 3",
  line: "M2 11.5 5.5 6l3 3.5L14 3.5",
  freeze: "M8 1.75v12.5M2.6 4.9l10.8 6.2M13.4 4.9 2.6 11.1",
};
const FILLED = new Set(["play"]);

/**
 * Return an icon; decorative, as the text or the label of its button names it.
 * @param {string} name
 */
export function icon(name) {
  const filled = FILLED.has(name);
  return html`<svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false"
    fill=${filled ? "currentColor" : "none"} stroke="currentColor"
    stroke-width=${name === "sparse" ? 2.5 : 1.5} stroke-linecap="round" stroke-linejoin="round">
    <path d=${PATHS[name] ?? PATHS.array} /></svg>`;
}
