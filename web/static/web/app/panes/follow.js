// @ts-check
// Find the newest nodes with data below a container, to show what is being written.
import { useEffect, useState } from "../../vendor/preact.js";

const MAX_DEPTH = 4;
const MAX_FOUND = 4;
// A scan creates many nodes at once: they are handled together.
const SETTLE_MS = 300;

/**
 * Return the newest nodes with data below `path`, the newest first.
 * @param {any} client
 * @param {string} path
 * @param {number} [depth]
 * @returns {Promise<any[]>}
 */
export async function newestLeaves(client, path, depth = 0) {
  const { items } = await client.node(path).search({ sort: ["-"], limit: MAX_FOUND });
  /** @type {any[]} */
  const found = [];
  for (const info of items) {
    if (found.length >= MAX_FOUND) break;
    if (info.family !== "container") found.push(info);
    else if (depth < MAX_DEPTH) found.push(...(await newestLeaves(client, info.path, depth + 1)));
  }
  return found.slice(0, MAX_FOUND);
}

/** @param {string} path */
function depthOf(path) {
  return path ? path.split("/").length : 0;
}

/**
 * Follow the newest nodes below a container, as they are created.
 * @param {any} client
 * @param {string} path
 * @param {boolean} enabled
 * @returns {any[] | null} null until they are known
 */
export function useNewestLeaves(client, path, enabled) {
  const [leaves, setLeaves] = useState(/** @type {any[] | null} */ (null));
  useEffect(() => {
    if (!enabled) return undefined;
    let timer = 0;
    let ended = false;
    const look = () => {
      timer = 0;
      newestLeaves(client, path)
        .then((found) => !ended && setLeaves(found))
        .catch(() => {});
      newestContainers(client, path).then((found) => !ended && found.forEach(watch)).catch(() => {});
    };
    const changed = () => {
      if (!timer) timer = window.setTimeout(look, SETTLE_MS);
    };
    // Subscribe to containers only: no data are sent, however fast they are written.
    const watched = new Map();
    const watch = (/** @type {string} */ at) => {
      if (watched.has(at) || depthOf(at) - depthOf(path) > MAX_DEPTH) return;
      const subscription = client.node(at).subscribe({
        start: "next",
        // What was created before the subscription began was not announced to it.
        onSchema: changed,
        onUpdate: (/** @type {any} */ update) => {
          if (update.type !== "container-child-created") return;
          if (update.message.structure_family === "container") watch(at ? `${at}/${update.key}` : update.key);
          changed();
        },
        onReset: changed,
        onGap: changed,
        onError: () => {},
      });
      watched.set(at, subscription);
    };
    watch(path);
    look();
    return () => {
      ended = true;
      window.clearTimeout(timer);
      for (const subscription of watched.values()) subscription.close();
    };
  }, [client, path, enabled]);
  return leaves;
}

/**
 * Return the paths of the newest container below `path`, of the newest in that, and so on.
 * @param {any} client
 * @param {string} path
 */
async function newestContainers(client, path) {
  /** @type {string[]} */
  const found = [];
  let at = path;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const { items } = await client.node(at).search({
      sort: ["-"],
      limit: 1,
      filters: [{ filter: "structure_family", value: "container" }],
    });
    if (!items.length) break;
    at = items[0].path;
    found.push(at);
  }
  return found;
}
