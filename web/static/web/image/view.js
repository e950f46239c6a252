// @ts-check
// Settings of the image view: what the address has, read with defaults, and written back.
import { DEFAULT_MAP, MAPS, PHASE_MAP } from "./colormaps.js";
import { SCALES } from "./scales.js";

/**
 * @typedef {import("./types.js").View} View
 * @typedef {import("./types.js").Settings} Settings
 * @typedef {import("./types.js").Region} Region
 * @typedef {import("./types.js").Limits} Limits
 * @typedef {import("./types.js").Part} Part
 */

/** @type {Part[]} */
export const PARTS = ["amplitude", "phase", "real", "imaginary"];
export const DEFAULTS = { nan: "#808080", below: "", above: "", masked: "#3c3c46", gamma: 0.45 };
export const MAX_ROIS = 6;
/** @type {Settings["mode"][]} */
const MODES = ["auto", "minmax", "range", "frozen"];

/**
 * Return settings with defaults for missing keys and for values that are not understood.
 * @param {View} view
 * @returns {Settings}
 */
export function settings(view) {
  const text = (/** @type {string} */ key, fallback = "") => String(view[key] ?? fallback);
  const part = oneOf(PARTS, text("part"), "amplitude");
  const typed = parseLimits(text("limits"));
  const mode = text("limits");
  const gamma = Number(view.gamma);
  return {
    map: oneOf(MAPS, text("map"), part === "phase" ? PHASE_MAP : DEFAULT_MAP),
    invert: flag(view.invert),
    scale: oneOf(SCALES, text("scale"), "linear"),
    gamma: gamma >= 0.05 && gamma <= 20 ? gamma : DEFAULTS.gamma,
    mode: typed ? "typed" : oneOf(MODES, mode, ""),
    typed,
    aspect: view.aspect === "free" ? "free" : "keep",
    flipX: flag(view.flipX),
    flipY: flag(view.flipY),
    zoom: parseZoom(text("zoom")),
    profiles: flag(view.profiles),
    part,
    rois: parseRois(text("roi")),
    nan: text("nan", DEFAULTS.nan),
    below: text("below"),
    above: text("above"),
    masked: text("masked", DEFAULTS.masked),
    mask: text("mask"),
  };
}

/**
 * @template {string} T
 * @param {readonly T[]} known
 * @param {string} text
 * @param {T} fallback
 * @returns {T}
 */
function oneOf(known, text, fallback) {
  return known.find((one) => one === text) ?? fallback;
}

/** @param {unknown} value An address has booleans as text. */
function flag(value) {
  return value === true || value === 1 || value === "true" || value === "1";
}

/**
 * @param {string} text
 * @param {number} count
 * @returns {number[] | null}
 */
function numbers(text, count) {
  const parts = text.split(/[,:]/);
  if (parts.length !== count || parts.some((one) => one.trim() === "")) return null;
  const found = parts.map(Number);
  return found.every(Number.isFinite) ? found : null;
}

/**
 * Return typed limits "lo,hi"; null for the names of automatic ones.
 * @param {string} text
 * @returns {Limits | null}
 */
export function parseLimits(text) {
  const found = numbers(text, 2);
  if (!found || found[0] === found[1]) return null;
  return { lo: Math.min(found[0], found[1]), hi: Math.max(found[0], found[1]) };
}

/** @param {Limits} limits */
export function formatLimits(limits) {
  return `${brief(limits.lo)},${brief(limits.hi)}`;
}

/** @param {number} value Seven digits are more than a limit needs, and keep an address short. */
function brief(value) {
  return Number.isInteger(value) ? value : Number(value.toPrecision(7));
}

/**
 * Return the region "y0,y1,x0,x1".
 * @param {string} text
 * @returns {Region | null}
 */
export function parseZoom(text) {
  const found = numbers(text, 4);
  if (!found || found[0] >= found[1] || found[2] >= found[3]) return null;
  const [y0, y1, x0, x1] = found;
  return { y0, y1, x0, x1 };
}

/** @param {Region | null} region */
export function formatZoom(region) {
  if (!region) return null;
  return [region.y0, region.y1, region.x0, region.x1].map((v) => Number(v.toFixed(2))).join(",");
}

/**
 * Return the regions "y0:y1,x0:x1;...".
 * @param {string} text
 * @returns {Region[]}
 */
export function parseRois(text) {
  const found = text.split(";").map((one) => parseZoom(one.replaceAll(":", ",")));
  return /** @type {Region[]} */ (found.filter((one) => one !== null)).slice(0, MAX_ROIS);
}

/** @param {Region[]} rois */
export function formatRois(rois) {
  return rois.map((r) => `${r.y0}:${r.y1},${r.x0}:${r.x1}`).join(";") || null;
}

/**
 * Return the entry after `current`, or before it for a step of -1, around the end.
 * @template T
 * @param {readonly T[]} list
 * @param {T} current
 * @param {number} [step]
 * @returns {T}
 */
export function cycled(list, current, step = 1) {
  return list[(list.indexOf(current) + step + list.length) % list.length];
}
