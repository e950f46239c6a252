// @ts-check
// Arrays of two and more dimensions: an image, live or at an index along the leading axes.
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { useLive } from "../app/live/use-live.js";
import { ImageView } from "../image/image-view.js";
import { ArrayTools, useAggregate } from "./array-tools.js";
import { AxisSliders } from "./axis-sliders.js";
import { frameOf, isWhole, lastIndex, layoutOf, leadAfter, mayBeColour, requestFor } from "./frames.js";
import { RoiTrace } from "./roi-trace.js";
import { StackPanel } from "./stack-panel.js";

const MAX_RATE = 30;
// A part of an image was written: the view is read again, this often at most.
const REREAD_MS = 300;

/** @param {any} props */
export function ArrayPanel(props) {
  const { info, view, onView } = props;
  // Rows that are appended, such as spectra, are an image that grows.
  const stackable = info.structure.shape.length === 2;
  const waterfall = stackable && view.mode === "waterfall";
  const tools = stackable && html`<button class="btn" aria-pressed=${waterfall} title="Show the last rows only, and follow them" onClick=${() => onView({ mode: waterfall ? null : "waterfall", zoom: null, roi: null })}>waterfall</button>`;
  return waterfall ? html`<${StackPanel} ...${props} tools=${tools} />` : html`<${ImagePanel} ...${props} tools=${tools} />`;
}

/** @param {any} props */
function ImagePanel({ client, info, view, onView, onLive, tools }) {
  const [structure, setStructure] = useState(info.structure);
  const layout = useMemo(() => layoutOf(structure, view.colour), [structure, view.colour]);
  const [viewport, setViewport] = useState(/** @type {any} */ (null));
  const [failure, setFailure] = useState("");
  const [frame, setFrame] = useState(/** @type {any} */ (null));
  const [count, setCount] = useState(0);
  const index = useMemo(() => parseIndex(view.index, layout.lead), [view.index, layout.lead]);
  const method = view.reduce ?? "mean";
  const request = useMemo(
    () => viewport && requestFor(layout, viewport, { height: viewport.height, width: viewport.width }, method, null),
    [layout, viewport, method],
  );
  const reread = useDelayed(() => setCount((/** @type {number} */ n) => n + 1), REREAD_MS);
  const newest = !index;
  const turn = useRef(0);

  const onUpdate = useCallback(
    (/** @type {any} */ update) => {
      if (!request || update.type === "array-roi") return;
      const lead = leadAfter(update, layout.lead);
      if (lead.some((/** @type {number} */ size, /** @type {number} */ i) => size !== layout.lead[i])) {
        setStructure((/** @type {any} */ old) => ({ ...old, shape: [...lead, ...old.shape.slice(lead.length)] }));
      }
      if (!newest || !isWhole(update, layout, request)) reread();
    },
    [request, layout, newest],
  );
  // Drawn when it comes, not with the next render: each render would wait for a frame of the screen.
  const onShow = (/** @type {any} */ update) => {
    if (!request || !newest || !isWhole(update, layout, request)) return;
    const mine = (turn.current += 1);
    Promise.resolve(update.data())
      .then((array) => mine === turn.current && setFrame({ ...frameOf(array, layout, request, update.timestamp), update, index: lastIndex(update, layout.lead) }))
      .catch((error) => mine === turn.current && setFailure(error.detail ?? error.message));
  };
  const live = useLive(client, info.path, {
    slice: request?.slice,
    reduce: request?.reduce,
    maxRate: MAX_RATE,
    enabled: Boolean(request),
    onUpdate,
    onShow,
    onHole: (reason) => reason === "reset" && reread(),
  });
  useEffect(() => onLive(live), [live]);

  // The newest image again, or with other channels: the update shown last is drawn again.
  useEffect(() => {
    if (live.update) onShow(live.update);
  }, [newest, layout.channels]);
  // Of another part the new subscription brings the latest update; one for the former part has no place.
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [request?.slice, request?.reduce, newest, layout.channels],
  );

  // Stored images: at the beginning, at an index, and after a part was written.
  const readIndex = index ?? layout.lead.map((/** @type {number} */ size) => size - 1);
  // The newest image is not read again for each update: those that are whole are drawn.
  const version = `${count}:${newest ? "newest" : readIndex.join()}`;
  useStoredFrame(client, info, layout, viewport, method, readIndex, version, (found, error) => {
    setFailure(error);
    // An image from the stream is newer than the one that was read at the beginning.
    if (found) setFrame((/** @type {any} */ old) => (newest && old?.update && !count ? old : found));
  });

  const onDrawn = (/** @type {any} */ drawn) => drawn?.update && live.markDrawn(drawn.update);
  const at = frame?.index ?? readIndex;
  const shownFrame = useAggregate(frame, view);
  return html`<div class="array-panel">
    <div class="axis-sliders toolbar">
    ${
      layout.lead.length > 0 &&
      html`<${AxisSliders} lead=${layout.lead} dims=${structure.dims} index=${newest ? at : index} newest=${newest}
        onIndex=${(/** @type {number[] | null} */ next) => onView({ index: next ? next.join(",") : null })} />`
    }
      ${tools}
      <${ArrayTools} view=${view} onView=${onView} reduced=${(frame?.dy ?? 1) > 1 && layout.channels === 1}
        colours=${mayBeColour(structure) ? layout.channels > 1 : null} />
    </div>
    ${failure && html`<p class="error">${failure}</p>`}
    <${ImageView} frame=${shownFrame} size=${{ height: layout.height, width: layout.width }} view=${view} onView=${onView} onDrawn=${onDrawn}
      onViewport=${setViewport} label=${info.path} />
    ${view.roi && view.trace !== "off" && layout.channels === 1 && html`<${RoiTrace} client=${client} info=${info} roi=${view.roi} view=${view} onView=${onView} />`}
  </div>`;
}

/**
 * Read the image at an index whenever the index or the visible region changes.
 * @param {any} client
 * @param {any} info
 * @param {import("./frames.js").Layout} layout
 * @param {any} viewport
 * @param {string} method
 * @param {number[]} index
 * @param {string | number} version
 * @param {(frame: any, error: string) => void} onFrame
 */
function useStoredFrame(client, info, layout, viewport, method, index, version, onFrame) {
  const handler = useRef(onFrame);
  handler.current = onFrame;
  // The canvas is measured again when the controls below it are there, mostly with the same request.
  const region = viewport && requestFor(layout, viewport, viewport, method, null);
  useEffect(() => {
    if (!viewport || [...layout.lead, layout.height, layout.width].includes(0)) return undefined;
    const abort = new AbortController();
    const request = requestFor(layout, viewport, viewport, method, index);
    client
      .node(info.path)
      .read({ slice: request.slice, reduce: request.reduce, signal: abort.signal })
      .then((/** @type {any} */ array) => handler.current({ ...frameOf(array, layout, request, null), index }, ""))
      .catch((/** @type {any} */ error) => {
        if (!abort.signal.aborted) handler.current(null, error.status === 404 ? "" : (error.detail ?? error.message));
      });
    return () => abort.abort();
  }, [client, info, layout.height, layout.width, region === null, region?.slice, region?.reduce, version]);
}

/** @param {string | undefined} text @param {number[]} lead */
function parseIndex(text, lead) {
  if (!text) return null;
  const numbers = text.split(",").map(Number);
  if (numbers.length !== lead.length || numbers.some((n) => !Number.isInteger(n) || n < 0)) return null;
  return numbers.map((n, i) => Math.min(n, Math.max(0, lead[i] - 1)));
}

/**
 * Return a function that calls `action` later, once for many calls.
 * @param {() => void} action
 * @param {number} delay  in milliseconds
 */
function useDelayed(action, delay) {
  const timer = useRef(0);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return useCallback(() => {
    if (timer.current) return;
    timer.current = window.setTimeout(() => {
      timer.current = 0;
      action();
    }, delay);
  }, []);
}
