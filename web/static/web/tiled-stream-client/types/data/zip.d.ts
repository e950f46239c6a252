/**
 * Return the members of a ZIP file by their names; they share memory with `bytes`.
 * @param {Uint8Array} bytes
 * @returns {Map<string, Uint8Array>}
 */
export function readZip(bytes: Uint8Array): Map<string, Uint8Array>;
