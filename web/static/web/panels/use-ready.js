// @ts-check
// When a panel may read the stored data, so that no update falls between the read and the subscription.
import { useEffect, useState } from "../vendor/preact.js";

// If the stream does not respond within this time, the stored data are shown without it.
const CONNECT_MS = 2000;

/** @typedef {0 | 1 | 2} Ready */

/**
 * Return 0 until the stream responds, 1 if it has not responded for some time, and 2 once it has:
 * data that were read at 1 may lack updates from before 2.
 * @param {any} live
 * @returns {Ready}
 */
export function useReady(live) {
  const [waited, setWaited] = useState(false);
  useEffect(() => {
    const timer = window.setTimeout(() => setWaited(true), CONNECT_MS);
    return () => window.clearTimeout(timer);
  }, []);
  if (live.state !== "connecting") return 2;
  return waited ? 1 : 0;
}
