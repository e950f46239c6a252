/** Times in messages. No I/O. */
/**
 * Return a time in milliseconds since 1970, with fractions; NaN if it is none.
 * @param {unknown} time ISO 8601, or a timestamp of msgpack.
 * @returns {number}
 */
export function parseTime(time: unknown): number;
