// @ts-check
// A one-dimensional array as it was at an earlier time.

/** @typedef {import("../plots/decimate.js").Numbers} Numbers */
/** @typedef {{sequence: number, start: number | null, values: Numbers}} Write  `start` null: of the whole array */

/**
 * Return the array as it was after the update `sequence`. Elements that were overwritten since, and whose
 * values then are not retained, are NaN.
 * @param {Write[]} writes  those retained, in order
 * @param {number} sequence
 * @param {Numbers} newest  the array after the last of them
 * @returns {Numbers}
 */
export function lineAt(writes, sequence, newest) {
  const after = writes.findIndex((write) => write.sequence > sequence);
  const before = after < 0 ? writes : writes.slice(0, after);
  const later = after < 0 ? [] : writes.slice(after);
  const whole = before.findLastIndex((write) => write.start === null);
  const known = whole < 0 && later.every((write) => write.start !== null) ? newest.subarray(0, lengthBefore(writes, newest.length)) : [];
  const parts = before.slice(Math.max(0, whole));
  const values = new Float64Array(parts.reduce((length, part) => Math.max(length, endOf(part)), known.length)).fill(NaN);
  values.set(known);
  for (const { start, values: { length } } of known.length ? later : []) values.fill(NaN, start ?? 0, (start ?? 0) + length);
  for (const { start, values: part } of parts) values.set(part, start ?? 0);
  return values;
}

/** @param {Write} write */
function endOf({ start, values }) {
  return (start ?? 0) + values.length;
}

/**
 * Return the length of an array before the first of some writes to parts of it: where the first of
 * those begins that have appended one after the other.
 * @param {Write[]} writes
 * @param {number} length  after the last of them
 */
function lengthBefore(writes, length) {
  let end = length;
  for (const write of writes.toReversed()) {
    if (endOf(write) === end && write.start !== null && write.values.length) end = write.start;
  }
  return end;
}
