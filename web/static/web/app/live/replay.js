// @ts-check
// Updates that a stream retains, read once.

// The server may retain none of them, and then says nothing before the next update.
const QUIET_MS = 20000;
const MAX_BYTES = 64e6;

/**
 * Return the retained updates from number `start` to `stop`; if they are too large, the newest of them.
 * @param {any} node
 * @param {{start: number, stop: number, columns?: string[]}} range
 * @param {AbortSignal} [signal]
 * @returns {Promise<any[]>}
 */
export function replay(node, { start, stop, ...options }, signal) {
  if (stop < start) return Promise.resolve([]);
  return new Promise((resolve) => {
    /** @type {any[]} */
    const found = [];
    let bytes = 0;
    const abort = new AbortController();
    const finish = () => {
      window.clearTimeout(timer);
      resolve(found);
      abort.abort();
    };
    const timer = window.setTimeout(finish, QUIET_MS);
    signal?.addEventListener("abort", finish);
    node.subscribe({
      ...options,
      start,
      policy: "block",
      signal: abort.signal,
      onUpdate: (/** @type {any} */ update) => {
        if (update.sequence <= stop) found.push(update);
        bytes += update.byteLength;
        while (bytes > MAX_BYTES && found.length > 1) bytes -= found.shift().byteLength;
        if (update.sequence >= stop) finish();
      },
      onGap: (/** @type {any} */ gap) => gap.to >= stop && finish(),
      // The numbers are those of other updates now.
      onReset: () => {
        found.length = 0;
        finish();
      },
      onError: () => {},
      onClose: finish,
    });
  });
}
