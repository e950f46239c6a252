// @ts-check
// Colour maps as tables of 256 colours.
import * as maps from "../vendor/colormaps.js";

/** @typedef {import("./types.js").Colour} Colour */

/** Colour maps in groups, those of uniform perceived steps first. @type {[string, string[]][]} */
export const GROUPS = [
  ["Uniform", ["viridis", "cividis", "inferno", "magma", "plasma", "greys"]],
  ["Sequential", ["cubehelix", "turbo", "blues", "warm", "cool"]],
  ["Diverging", ["rdbu", "prgn", "spectral"]],
  ["Cyclic", ["sinebow"]],
];
/** @type {string[]} */
export const MAPS = GROUPS.flatMap(([, names]) => names);
export const DEFAULT_MAP = "viridis";
export const PHASE_MAP = "sinebow";
// From dark to light like the others; the package has them from light to dark.
const BACKWARDS = new Set(["greys", "blues"]);

/** @type {Map<string, Uint8Array>} */
const tables = new Map();

/**
 * Return the 256 colours of a map, four bytes each.
 * @param {string} name
 * @param {boolean} [invert]
 * @returns {Uint8Array}
 */
export function table(name, invert = false) {
  const known = MAPS.includes(name) ? name : DEFAULT_MAP;
  const key = `${known}${invert ? "-inverted" : ""}`;
  const found = tables.get(key);
  if (found) return found;
  const colour = /** @type {Record<string, (t: number) => string>} */ (maps)[known];
  const made = new Uint8Array(1024);
  const backwards = BACKWARDS.has(known) !== invert;
  for (let i = 0; i < 256; i++) {
    made.set(parseColour(colour((backwards ? 255 - i : i) / 255)), 4 * i);
  }
  tables.set(key, made);
  return made;
}

/**
 * Return the bytes of `#rgb`, `#rrggbb`, `#rrggbbaa`, `rgb(r, g, b)` or `transparent`; grey otherwise.
 * @param {string} text
 * @returns {Colour}
 */
export function parseColour(text) {
  if (text === "transparent") return [0, 0, 0, 0];
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6}|[0-9a-f]{8})$/i.exec(text)?.[1];
  if (hex) {
    const long = hex.length === 3 ? [...hex].map((c) => c + c).join("") : hex;
    const byte = (/** @type {number} */ i) => parseInt(long.slice(2 * i, 2 * i + 2), 16);
    return [byte(0), byte(1), byte(2), long.length === 8 ? byte(3) : 255];
  }
  const numbers = /^rgb\(([^)]+)\)$/.exec(text)?.[1].split(",").map(Number);
  if (numbers?.length === 3 && numbers.every(Number.isFinite)) {
    const [r, g, b] = numbers.map((v) => Math.round(Math.min(255, Math.max(0, v))));
    return [r, g, b, 255];
  }
  return [128, 128, 128, 255];
}
