// @ts-check
// Numbers, sizes and times as text.

// Made once: it takes much longer than to use it.
const INTEGERS = new Intl.NumberFormat("en");
const UNITS = ["B", "kB", "MB", "GB", "TB"];

/**
 * Return a number with at most `digits` significant digits.
 * @param {number | bigint} value
 * @param {number} [digits]
 */
export function formatNumber(value, digits = 6) {
  if (typeof value === "bigint") return value.toString();
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return INTEGERS.format(value).replaceAll(",", " ");
  const text = value.toPrecision(digits);
  return text.includes("e") ? text : String(Number(text));
}

/**
 * Return a size in bytes with a decimal unit.
 * @param {number} bytes
 */
export function formatBytes(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/**
 * Return a span of time in the unit that suits it.
 * @param {number | null} seconds
 */
export function formatAge(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/**
 * Return a rate per second.
 * @param {number} rate
 */
export function formatRate(rate) {
  return rate >= 100 ? String(Math.round(rate)) : rate.toFixed(1);
}

/**
 * Return a time as date and time of this browser's time zone.
 * @param {number | string | Date | null | undefined} time
 */
export function formatTime(time) {
  if (time === null || time === undefined) return "";
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return String(time);
  const pad = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}
