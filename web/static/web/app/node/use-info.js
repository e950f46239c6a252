// @ts-check
// Fetch the document of a node, and again when its metadata changes.
import { useCallback, useEffect, useState } from "../../vendor/preact.js";

/**
 * @param {any} client
 * @param {string[]} path
 * @returns {{info: any, error: any, refresh: () => void}}
 */
export function useInfo(client, path) {
  const [state, setState] = useState(/** @type {{key: string, info: any, error: any}} */ ({ key: "", info: null, error: null }));
  const [count, setCount] = useState(0);
  const refresh = useCallback(() => setCount((/** @type {number} */ n) => n + 1), []);
  const key = path.join("/");
  useEffect(() => {
    const abort = new AbortController();
    client
      .node(path)
      .info({ signal: abort.signal })
      .then((/** @type {any} */ info) => setState({ key, info, error: null }))
      .catch((/** @type {any} */ error) => {
        if (!abort.signal.aborted) setState((/** @type {any} */ old) => ({ key, info: old.key === key ? old.info : null, error }));
      });
    return () => abort.abort();
  }, [client, key, count]);
  // Do not show the previous node's document under the name of the new one.
  return state.key === key ? { ...state, refresh } : { info: null, error: null, refresh };
}
