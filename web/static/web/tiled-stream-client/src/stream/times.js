// @ts-check
/** Times in messages. No I/O. */

/**
 * Return a time in milliseconds since 1970, with fractions; NaN if it is none.
 * @param {unknown} time ISO 8601, or a timestamp of msgpack.
 * @returns {number}
 */
export function parseTime(time) {
  if (time instanceof Date) return time.getTime();
  const text = String(time);
  // Date has no microseconds.
  const match = /^(.*\.\d{3})(\d+)(.*)$/.exec(text);
  if (!match) return Date.parse(text);
  return Date.parse(match[1] + match[3]) + Number(`0.${match[2]}`);
}
