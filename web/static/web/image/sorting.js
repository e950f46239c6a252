// @ts-check
// Sort a sample by radix: a fifth of the time of TypedArray.sort, which each frame would take.

const BITS = 11;
const SIZE = 1 << BITS;
const PASSES = 3;

/**
 * Sort finite values in place. Values closer than a part in 10^7 of their span may change places,
 * but the smallest and the largest are exact.
 * @param {Float64Array} values
 * @returns {Float64Array} the same array
 */
export function sortSample(values) {
  const n = values.length;
  let [lo, hi] = [0, 0];
  for (let i = 1; i < n; i++) {
    if (values[i] < values[lo]) lo = i;
    if (values[i] > values[hi]) hi = i;
  }
  const [least, most] = [values[lo], values[hi]];
  if (n < SIZE || !(most - least < 1e38)) return values.sort();
  // Bits of floats that are not negative are in the order of the floats.
  const floats = new Float32Array(n);
  for (let i = 0; i < n; i++) floats[i] = values[i] - least;
  let keys = new Uint32Array(floats.buffer);
  let others = new Uint32Array(n);
  /** @type {Float64Array} */
  let from = values;
  /** @type {Float64Array} */
  let to = new Float64Array(n);
  for (let pass = 0; pass < PASSES; pass++) {
    scatter(keys, others, from, to, pass * BITS);
    [keys, others] = [others, keys];
    [from, to] = [to, from];
  }
  if (from !== values) values.set(from);
  swapTo(values, least, 0);
  swapTo(values, most, n - 1);
  return values;
}

/**
 * Copy keys and values into the order of some bits of the keys.
 * @param {Uint32Array} keys
 * @param {Uint32Array} toKeys
 * @param {Float64Array} values
 * @param {Float64Array} toValues
 * @param {number} shift
 */
function scatter(keys, toKeys, values, toValues, shift) {
  const places = new Uint32Array(SIZE);
  for (let i = 0; i < keys.length; i++) places[(keys[i] >>> shift) & (SIZE - 1)]++;
  for (let i = 0, sum = 0; i < SIZE; i++) {
    const count = places[i];
    places[i] = sum;
    sum += count;
  }
  for (let i = 0; i < keys.length; i++) {
    const at = places[(keys[i] >>> shift) & (SIZE - 1)]++;
    toKeys[at] = keys[i];
    toValues[at] = values[i];
  }
}

/**
 * Swap a value, which is near an end of the array, to that end.
 * @param {Float64Array} values
 * @param {number} value
 * @param {number} end
 */
function swapTo(values, value, end) {
  const at = end === 0 ? values.indexOf(value) : values.lastIndexOf(value);
  values[at] = values[end];
  values[end] = value;
}
