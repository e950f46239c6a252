// @ts-check
// Synchronize the browser's address with the state of the page.
import { useCallback, useEffect, useRef, useState } from "../vendor/preact.js";
import { formatAddress, keysOf, parseAddress, patchView } from "./address.js";

/** @typedef {import("./address.js").Address} Address */

// Browsers limit how often an address may change; a drag changes the view at each frame.
const WRITE_MS = 250;

/**
 * Return the address and functions that change it.
 * @param {string} base
 */
export function useAddress(base) {
  const [address, setAddress] = useState(() => parseAddress(window.location, base));
  const current = useRef(address);
  const timer = useRef(0);

  useEffect(() => {
    const read = () => {
      current.current = parseAddress(window.location, base);
      setAddress(current.current);
    };
    window.addEventListener("popstate", read);
    return () => window.removeEventListener("popstate", read);
  }, [base]);

  const write = useCallback(
    (/** @type {Address} */ next, /** @type {boolean} */ replace) => {
      current.current = next;
      setAddress(next);
      window.clearTimeout(timer.current);
      const text = formatAddress(next, base);
      if (!replace) window.history.pushState(null, "", text);
      else timer.current = window.setTimeout(() => window.history.replaceState(null, "", text), WRITE_MS);
    },
    [base],
  );

  /** Show another node in a pane: the first one is the node of the address. */
  const open = useCallback(
    (/** @type {string | string[]} */ at, /** @type {number} */ pane = 0) => {
      const path = keysOf(at);
      const { panes } = current.current;
      const next = [...panes];
      while (next.length <= pane) next.push({ path: null, view: {} });
      next[pane] = { path: pane ? path : null, view: {} };
      if (pane) write({ ...current.current, panes: next }, false);
      else write({ ...current.current, path, tab: "view", panes: next }, false);
    },
    [write],
  );
  const change = useCallback(
    (/** @type {Partial<Address>} */ patch, replace = false) => write({ ...current.current, ...patch }, replace),
    [write],
  );
  const changeView = useCallback(
    (/** @type {number} */ pane, /** @type {Record<string, unknown>} */ patch) => {
      const panes = [...current.current.panes];
      while (panes.length <= pane) panes.push({ path: null, view: {} });
      panes[pane] = { ...panes[pane], view: patchView(panes[pane].view, patch) };
      write({ ...current.current, panes }, true);
    },
    [write],
  );
  return { address, open, change, changeView };
}
