// @ts-check
// Colours of the design system for canvases, which know no CSS variables.
import { useEffect, useState } from "../vendor/preact.js";

const SERIES = 6;

/**
 * @typedef {object} Theme
 * @property {string} text
 * @property {string} muted
 * @property {string} line
 * @property {string} surface
 * @property {string} accent
 * @property {string[]} series
 * @property {string} font
 */

/** Returns the element that has the tokens. @type {() => Element} */
let root = () => document.documentElement;

/** Take the tokens of another element, where plots are a part of a foreign page. @param {() => Element} find */
export function themeFrom(find) {
  root = find;
}

/** @returns {Theme} */
export function readTheme() {
  const style = getComputedStyle(root());
  const token = (/** @type {string} */ name, /** @type {string} */ fallback) => style.getPropertyValue(name).trim() || fallback;
  return {
    text: token("--text", "#222"),
    muted: token("--muted", "#666"),
    line: token("--line", "#ddd"),
    surface: token("--surface", "#fff"),
    accent: token("--accent", "#06c"),
    series: Array.from({ length: SERIES }, (_, i) => token(`--plot-${i + 1}`, "#06c")),
    font: `12px ${token("--sans", "system-ui, sans-serif")}`,
  };
}

/** Return the theme, updated when the colour scheme changes. @returns {Theme} */
export function useTheme() {
  const [theme, setTheme] = useState(readTheme);
  useEffect(() => {
    const query = matchMedia("(prefers-color-scheme: dark)");
    const change = () => setTheme(readTheme());
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, []);
  return theme;
}
