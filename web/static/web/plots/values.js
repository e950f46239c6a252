// @ts-check
// Values of data as text: numbers, times, nested values, and what is missing.

const DAY = 86400000;

/**
 * Return a number as text: integers in full, others with up to `digits` significant digits.
 * @param {number | bigint} value
 * @param {number} [digits]
 */
export function formatNumber(value, digits = 7) {
  if (typeof value === "bigint") return value.toString();
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value).replace("-", "−");
  const magnitude = Math.abs(value);
  // Of a large number, such as seconds since 1970, thousandths are kept.
  const precision = magnitude >= 1e4 && magnitude < 1e12 ? Math.max(digits, Math.floor(Math.log10(magnitude)) + 4) : digits;
  const plain = magnitude >= 1e-4 && magnitude < 1e12;
  const text = plain ? String(Number(value.toPrecision(precision))) : trimExponent(value.toExponential(digits - 1));
  return text.replaceAll("-", "−");
}

/** @param {string} text */
function trimExponent(text) {
  return text.replace(/\.?0*e\+?/, "e");
}

/**
 * Return a time in milliseconds since 1970 as ISO 8601, as short as it can be.
 * @param {number} ms
 */
export function formatInstant(ms) {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return "NaT";
  if (ms % DAY === 0) return date.toISOString().slice(0, 10);
  return date.toISOString().replace("T", " ").replace(/(\.000)?Z$/, "");
}

/**
 * Return any value of a table or a nested array as one line of text.
 * @param {unknown} value
 * @returns {string}
 */
export function formatValue(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "bigint") return formatNumber(value);
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return String(value);
  if (value instanceof Date) return formatInstant(value.getTime());
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return formatNested(value);
}

/** @param {unknown} value */
function formatNested(value) {
  if (ArrayBuffer.isView(value) || Array.isArray(value)) {
    const list = /** @type {ArrayLike<unknown>} */ (/** @type {unknown} */ (value));
    const shown = Array.from({ length: Math.min(list.length, 20) }, (_, i) => formatValue(list[i]));
    return `[${shown.join(", ")}${list.length > shown.length ? `, … ${list.length - shown.length} more` : ""}]`;
  }
  return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item));
}

/**
 * Return the milliseconds of one unit of numpy, by its name: "[ns]" or "ns"; null if it has none.
 * @param {string | null | undefined} units
 */
export function millisecondsOf(units) {
  const found = /^\[?(\d*)\s*([a-zA-Z]+)\]?$/.exec(units ?? "");
  const unit = found && UNITS[found[2]];
  return unit ? Number(found[1] || 1) * unit : null;
}

const UNITS = /** @type {Record<string, number>} */ ({
  W: 7 * DAY, D: DAY, h: 3600000, m: 60000, s: 1000, ms: 1, us: 1e-3, ns: 1e-6, ps: 1e-9, fs: 1e-12, as: 1e-15,
});

/**
 * Return a field of CSV, quoted where that is necessary.
 * @param {unknown} value
 */
export function csvField(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number" || typeof value === "bigint" || typeof value === "boolean") return String(value);
  const text = value instanceof Date ? value.toISOString() : typeof value === "string" ? value : formatNested(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
