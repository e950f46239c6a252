// @ts-check
// Follow a node's stream from a component.
import { useEffect, useMemo, useRef, useState } from "../../vendor/preact.js";
import { LiveSource } from "./source.js";

// Interval at which counts and ages are redrawn; updates are drawn at once.
const STATUS_MS = 500;

/**
 * Subscribe to a node while the component is mounted; subscribe again if the options change.
 * @param {any} client
 * @param {string[] | string} path
 * @param {{start?: any, policy?: string, maxRate?: number, slice?: string, reduce?: string, roi?: string,
 *   columns?: string[], enabled?: boolean, onUpdate?: (update: any) => void,
 *   onHole?: (reason: "gap" | "reset") => void, onShow?: (update: any) => void}} request  `onUpdate` gets every
 *   update, in order; `onShow` each that is to be shown, at once: `update` follows with the next frame of the screen
 */
export function useLive(client, path, request) {
  const { enabled = true, onUpdate, onHole, onShow, ...options } = request;
  const [status, setStatus] = useState(/** @type {any} */ (IDLE));
  const handlers = useRef({ onUpdate, onHole, onShow });
  handlers.current = { onUpdate, onHole, onShow };
  const key = JSON.stringify([path, options]);
  const source = useMemo(
    () => (enabled ? new LiveSource(client.node(path), { start: "latest", policy: "latest", ...options }) : null),
    [client, key, enabled],
  );

  useEffect(() => {
    if (!source) {
      setStatus(IDLE);
      return undefined;
    }
    let frame = 0;
    const show = () => {
      frame = 0;
      setStatus(source.status);
    };
    // Many updates may come between two frames of the screen: the newest is shown.
    source.onChange = () => {
      if (!frame) frame = requestAnimationFrame(show);
    };
    source.onUpdate = (/** @type {any} */ update) => handlers.current.onUpdate?.(update);
    source.onHole = (/** @type {"gap" | "reset"} */ reason) => handlers.current.onHole?.(reason);
    source.onShow = (/** @type {any} */ update) => handlers.current.onShow?.(update);
    const unsubscribe = client.onState((/** @type {string} */ state) => source.setConnected(state === "open"));
    const timer = window.setInterval(show, STATUS_MS);
    source.start();
    return () => {
      source.close();
      unsubscribe();
      window.clearInterval(timer);
      cancelAnimationFrame(frame);
    };
  }, [source, client]);

  return useMemo(
    () => ({
      ...status,
      paused: status.state === "paused",
      pause: () => source?.pause(),
      resume: () => source?.resume(),
      step: (/** @type {number} */ count) => source?.step(count),
      seek: (/** @type {number} */ sequence) => source?.seek(sequence),
      markDrawn: (/** @type {any} */ update) => source?.markDrawn(update),
    }),
    [status, source],
  );
}

const IDLE = {
  state: "connecting",
  error: "",
  loggedOut: false,
  update: null,
  sequence: null,
  head: null,
  oldest: null,
  received: 0,
  drawn: 0,
  age: null,
  skipped: 0,
  gaps: 0,
  resets: 0,
};
