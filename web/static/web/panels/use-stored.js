// @ts-check
// Read a part of a node when it changes: for data that updates cannot be merged into.
import { useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { useLive } from "../app/live/use-live.js";
import { useReady } from "./use-ready.js";

// Data that are written often are read again this often at most.
const REREAD_MS = 400;
const RATE = 10;

/**
 * Call `read` at the beginning, when `key` changes, and when the node is written to. An update whose
 * data are not stored is passed to `fromUpdate` instead.
 * @param {any} client
 * @param {any} info
 * @param {string} key
 * @param {(node: any, signal: AbortSignal) => Promise<any>} read
 * @param {(live: any) => void} onLive
 * @param {(data: any, update: any) => any} [fromUpdate]
 */
export function useStored(client, info, key, read, onLive, fromUpdate) {
  const [result, setResult] = useState(/** @type {any} */ (null));
  const [failure, setFailure] = useState("");
  const [count, setCount] = useState(0);
  const timer = useRef(0);
  const newest = useRef(/** @type {any} */ (null));
  const reread = () => {
    if (!timer.current) timer.current = window.setTimeout(() => { timer.current = 0; setCount((/** @type {number} */ n) => n + 1); }, REREAD_MS);
  };
  const live = useLive(client, info.path, {
    start: "next",
    policy: "latest",
    maxRate: RATE,
    onHole: reread,
    onUpdate: (/** @type {any} */ update) => {
      newest.current = update;
      if (update.persisted === false && fromUpdate) {
        update.data().then((/** @type {any} */ data) => setResult({ value: fromUpdate(data, update), update }), () => {});
      } else reread();
    },
  });
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const frozen = live.paused;
  const ready = useReady(live);
  useEffect(() => {
    if (frozen || !ready) return undefined;
    const abort = new AbortController();
    const update = newest.current;
    read(client.node(info.path), abort.signal).then(
      (value) => {
        if (abort.signal.aborted) return;
        setFailure("");
        setResult({ value, update });
      },
      (error) => {
        if (!abort.signal.aborted) setFailure(error.detail || error.message || String(error));
      },
    );
    return () => abort.abort();
  }, [client, info.path, key, count, frozen, ready]);
  useEffect(() => onLive(live), [live]);
  useEffect(() => {
    if (result?.update && !live.paused) live.markDrawn(result.update);
  }, [result]);
  return useMemo(() => ({ value: result?.value ?? null, failure, live }), [result, failure, live]);
}
