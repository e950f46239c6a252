// @ts-check
// Scales from values to the interval 0 to 1, and ticks along them.

/** @typedef {import("./types.js").Scale} Scale */

/** @type {Scale[]} */
export const SCALES = ["linear", "log", "sqrt", "symlog", "gamma"];
// The share of the larger limit below which symlog is linear.
const LINEAR_SHARE = 1e-3;

/**
 * Return the width of the linear part of symlog between limits.
 * @param {number} lo
 * @param {number} hi
 */
export function linearWidth(lo, hi) {
  return Math.max(Math.abs(lo), Math.abs(hi)) * LINEAR_SHARE || 1;
}

/**
 * Return the exponent of a scale that is a power of the linear one.
 * @param {Scale} scale
 * @param {number} gamma
 */
export function exponent(scale, gamma) {
  if (scale === "sqrt") return 0.5;
  return scale === "gamma" ? gamma : 1;
}

/**
 * @param {number} v
 * @param {number} linear
 */
const symlog = (v, linear) => Math.sign(v) * Math.log1p(Math.abs(v) / linear);

/**
 * Return a function from a value between the limits to 0..1; below them it returns less than 0.
 * @param {Scale} scale
 * @param {number} gamma
 * @param {number} lo
 * @param {number} hi
 * @returns {(v: number) => number}
 */
export function normaliser(scale, gamma, lo, hi) {
  if (scale === "log") {
    const a = Math.log(lo);
    const k = 1 / (Math.log(hi) - a);
    return (v) => (v > 0 ? (Math.log(v) - a) * k : -1);
  }
  if (scale === "symlog") {
    const linear = linearWidth(lo, hi);
    const a = symlog(lo, linear);
    const k = 1 / (symlog(hi, linear) - a);
    return (v) => (symlog(v, linear) - a) * k;
  }
  const k = 1 / (hi - lo);
  const power = exponent(scale, gamma);
  if (power === 1) return (v) => (v - lo) * k;
  return (v) => {
    const t = (v - lo) * k;
    return t > 0 ? t ** power : t;
  };
}

/**
 * Return the inverse of `normaliser`, also outside 0..1.
 * @param {Scale} scale
 * @param {number} gamma
 * @param {number} lo
 * @param {number} hi
 * @returns {(t: number) => number}
 */
export function denormaliser(scale, gamma, lo, hi) {
  if (scale === "log") {
    const ratio = hi / lo;
    return (t) => lo * ratio ** t;
  }
  if (scale === "symlog") {
    const linear = linearWidth(lo, hi);
    const a = symlog(lo, linear);
    const span = symlog(hi, linear) - a;
    return (t) => {
      const s = a + t * span;
      return Math.sign(s) * Math.expm1(Math.abs(s)) * linear;
    };
  }
  const power = 1 / exponent(scale, gamma);
  return (t) => lo + (t > 0 ? t ** power : t) * (hi - lo);
}

/**
 * Return round values between two limits, about `count` of them.
 * @param {number} lo
 * @param {number} hi
 * @param {number} count
 * @returns {number[]}
 */
export function linearTicks(lo, hi, count) {
  const span = hi - lo;
  if (!(span > 0) || !Number.isFinite(span)) return [lo];
  const raw = span / Math.max(1, count);
  const base = 10 ** Math.floor(Math.log10(raw));
  const step = base * ([1, 2, 5, 10].find((m) => m * base >= raw * 0.999) ?? 10);
  const ticks = [];
  for (let i = Math.ceil(lo / step - 1e-9); i * step <= hi + step * 1e-9; i++) {
    // Division keeps 0.3 from being 0.30000000000000004.
    ticks.push(step < 1 ? i / Math.round(1 / step) : i * step);
  }
  return ticks;
}

/**
 * Return powers of ten between two positive limits, thinned to about `count`; with their doubles
 * and halves where there are few.
 * @param {number} lo
 * @param {number} hi
 * @param {number} count
 * @returns {number[]}
 */
function decades(lo, hi, count) {
  const first = Math.floor(Math.log10(lo) + 1e-9);
  const last = Math.floor(Math.log10(hi) + 1e-9);
  const step = Math.max(1, Math.ceil((last - first + 1) / Math.max(1, count)));
  const factors = 3 * (last - first + 1) <= count + 3 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let e = first; e <= last; e += step) {
    for (const factor of factors) {
      const tick = Number(`${factor}e${e}`);
      if (tick >= lo * (1 - 1e-9) && tick <= hi * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return ticks;
}

/**
 * Return ticks for a scale between limits, about `count` of them.
 * @param {Scale} scale
 * @param {number} lo
 * @param {number} hi
 * @param {number} count
 * @returns {number[]}
 */
export function ticks(scale, lo, hi, count) {
  if (scale === "log") {
    const found = decades(lo, hi, count);
    return found.length > 1 ? found : linearTicks(lo, hi, count);
  }
  if (scale === "symlog") {
    const linear = linearWidth(lo, hi);
    const half = Math.max(1, Math.floor(count / 2));
    const up = hi > linear ? decades(Math.max(linear, lo), hi, half) : [];
    const down = lo < -linear ? decades(Math.max(linear, -hi), -lo, half) : [];
    const zero = lo <= 0 && hi >= 0 ? [0] : [];
    const found = [...down.reverse().map((v) => -v), ...zero, ...up];
    return found.length > 1 ? found : linearTicks(lo, hi, count);
  }
  return linearTicks(lo, hi, count);
}

/**
 * Return a number in few characters: integers as they are, others with `digits` digits.
 * @param {number} value
 * @param {number} [digits]
 */
export function shortNumber(value, digits = 5) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const text =
    size !== 0 && (size >= 1e7 || size < 1e-4)
      ? trimmed(value.toExponential(Math.max(0, digits - 2)))
      : Number.isInteger(value)
        ? String(value)
        : String(Number(value.toPrecision(digits)));
  return text.replace("-", "−").replace("e+", "e").replace("e-", "e−");
}

/** @param {string} text */
function trimmed(text) {
  const [mantissa, power] = text.split("e");
  return `${Number(mantissa)}e${power}`;
}
