// @ts-check
// A one-dimensional array: a line that grows or is replaced, with previous contents behind it, an
// aggregate of the newest contents, or a waterfall of them.
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { AGGREGATIONS, FrameAggregate } from "../plots/aggregate.js";
import { LinePlot } from "../plots/line-plot.js";
import { parseRange } from "../plots/line-range.js";
import { Waterfall } from "../plots/waterfall.js";
import { ImageView } from "../image/image-view.js";
import { useLineHistory } from "./line-history.js";
import { LineModel, WHOLE, readRange } from "./line-model.js";
import { PARTS } from "./numbers.js";
import { Choice, WINDOWS } from "./choices.js";
import { useUpdates } from "./use-updates.js";

const COUNTS = ["10", "50", "200"];
const ROWS = 400;
const DETAIL_MS = 200;
const FRAME_RATE = 60;

/** @param {any} props */
export function LinePanel({ client, info, view, onView, onLive }) {
  const part = PARTS.includes(view.part) ? view.part : "amplitude";
  const node = useMemo(() => client.node(info.path), [client, info.path]);
  const model = useMemo(() => new LineModel(node, info.structure, part), [node, part]);
  const [replaced, setReplaced] = useState(false);
  // An array that grows needs every update; one that is replaced, only the newest.
  const options = replaced ? { policy: "latest", maxRate: FRAME_RATE } : { policy: "block" };
  const { live, tick, failure, loaded, markDrawn } = useUpdates(client, info, { start: "latest", ...options }, model, onLive);
  const frames = useFrames(model, view, setReplaced);
  const stepped = useLineHistory(node, live, model, part);
  const detail = useDetail(node, model, view.range, part, tick);

  const series = useMemo(() => {
    const shown = stepped ? { label: `update ${stepped.sequence}`, x: null, y: stepped.values } : (detail ?? model.series(info.key));
    const average = !stepped && frames.aggregate();
    if (average) return [{ label: `${view.aggregate} of ${average.count}`, x: null, y: average.values }];
    const behind = Number(view.overlay) > 0 ? model.frames.slice(-Number(view.overlay)) : [];
    return [...behind.map((/** @type {import("./line-model.js").LineFrame} */ { values }) => ({ label: "", x: null, y: values, className: "faint" })), shown];
  }, [tick, model, stepped, detail, view.overlay, view.aggregate, view.frames, frames]);

  if (!loaded) return html`<div class="empty"><span class="spinner" role="status" aria-label="Loading"></span></div>`;
  const several = model.isReplaced || model.frames.length > 0 || (model.isWhole && live.head > 1);
  const waterfall = several && view.mode === "waterfall";
  const tools = html`<${Tools} view=${view} onView=${onView} several=${several} complex=${info.structure.data_type.kind === "c"} waterfall=${waterfall} />`;
  return html`<div class="panel">
    ${failure && html`<p class="error">${failure}</p>`}
    ${
      waterfall
        ? html`<div class="toolbar">${tools}</div><${WaterfallView} frames=${frames} tick=${tick} view=${view} onView=${onView} onDrawn=${markDrawn} label=${info.key} />`
        : html`<div class="panel-fill"><${LinePlot} series=${series} view=${view} onView=${onView} onDrawn=${markDrawn} label=${info.key} tools=${tools} /></div>`
    }
    ${!model.length && html`<p class="muted">The array is empty.</p>`}
    ${model.x && !detail && html`<p class="muted">${model.length} elements, drawn as minimum and maximum of cells. Zoom in for single elements.</p>`}
  </div>`;
}

/** @param {any} props */
function Tools({ view, onView, several, complex, waterfall }) {
  return html`
    ${complex && html`<${Choice} label="Part" value=${view.part ?? "amplitude"} options=${PARTS.map((p) => [p, p])} onChange=${(/** @type {string} */ part) => onView({ part: part === "amplitude" ? null : part })} />`}
    ${
      several &&
      html`<button class="btn" aria-pressed=${waterfall} title="Show the newest contents as rows of an image" onClick=${() => onView({ mode: waterfall ? null : "waterfall" })}>waterfall</button>
        ${
          !waterfall &&
          html`<${Choice} label="Previous contents" value=${view.overlay ?? ""} options=${[["", "newest only"], ...["1", "5", "20", "100"].map((n) => [n, `and ${n} before`])]} onChange=${(/** @type {string} */ overlay) => onView({ overlay, aggregate: null })} />
          <${Choice} label="Aggregate" value=${view.aggregate ?? ""} options=${[["", "no aggregate"], ...AGGREGATIONS.map((kind) => [kind, `${kind} of`])]} onChange=${(/** @type {string} */ aggregate) => onView({ aggregate, overlay: null })} />
          ${view.aggregate && html`<${Choice} label="Over the newest" value=${view.frames ?? COUNTS[0]} options=${COUNTS.map((n) => [n, n])} onChange=${(/** @type {string} */ frames) => onView({ frames })} />`}`
        }`
    }
    ${!several && html`<${Choice} label="Window" value=${view.window ?? ""} options=${WINDOWS} onChange=${(/** @type {string} */ window) => onView({ window, range: null })} />`}`;
}

/**
 * Keep a waterfall and an aggregate of the contents of an array that is replaced as a whole.
 * @param {LineModel} model
 * @param {any} view
 * @param {(replaced: boolean) => void} onReplaced
 */
function useFrames(model, view, onReplaced) {
  const count = Number(view.frames ?? COUNTS[0]) || 10;
  const kind = AGGREGATIONS.includes(view.aggregate) ? view.aggregate : null;
  const [recalled, setRecalled] = useState(0);
  const wanted = Boolean(kind) || Number(view.overlay) > 0 || view.mode === "waterfall";
  const known = wanted && model.isWhole;
  useEffect(() => {
    if (!known) return;
    model.recall(ROWS).then((count) => {
      if (!count) return;
      setRecalled((/** @type {number} */ n) => n + 1);
      onReplaced(model.isReplaced);
    }, () => {});
  }, [model, known]);
  const waterfall = useMemo(() => {
    const rows = new Waterfall(ROWS);
    for (const { values } of model.contents) rows.push(values);
    return rows;
  }, [model, recalled]);
  const mean = useMemo(() => {
    const frames = new FrameAggregate(count);
    if (kind) for (const { values } of model.contents.slice(-count)) frames.push(values);
    return frames;
  }, [model, count, kind, recalled]);
  const result = useMemo(
    () => ({
      waterfall,
      newest: () => model.newest,
      aggregate: () => {
        const values = kind && mean.result(kind);
        return values ? { values, count: mean.frames.length } : null;
      },
    }),
    [waterfall, mean, kind],
  );
  model.onFrame = (frame) => {
    onReplaced(model.isReplaced);
    waterfall.push(frame.values);
    if (kind) mean.push(frame.values);
  };
  return result;
}

/** @param {any} props */
function WaterfallView({ frames, tick, view, onView, onDrawn, label }) {
  const frame = useMemo(() => frames.waterfall.frame(frames.newest()?.time ?? null), [tick, frames]);
  const shown = useMemo(() => ({ aspect: "free", ...view }), [view]);
  return html`<div class="panel-fill waterfall"><${ImageView} frame=${frame} view=${shown} onView=${onView} onDrawn=${onDrawn} label=${`${label}, newest at the bottom`} /></div>`;
}

/**
 * Read the elements of the range that is shown, where the model has only extremes of cells.
 * @param {any} node
 * @param {LineModel} model
 * @param {string | undefined} range
 * @param {string} part
 * @param {number} tick
 */
function useDetail(node, model, range, part, tick) {
  const [detail, setDetail] = useState(/** @type {any} */ (null));
  const zoom = model.x ? parseRange(range) : null;
  const key = zoom ? zoom.x.join() : "";
  const revision = useRef(0);
  if (tick) revision.current = model.revision;
  useEffect(() => {
    setDetail(null);
    if (!zoom) return undefined;
    const abort = new AbortController();
    const [from, to] = [Math.max(0, Math.floor(zoom.x[0]) - 1), Math.min(model.length, Math.ceil(zoom.x[1]) + 2)];
    // For a range that long, the overview has the same resolution.
    if (to <= from || to - from > model.length / 2 && to - from > WHOLE) return undefined;
    const timer = window.setTimeout(() => {
      readRange(node, model.structure, from, to, part, abort.signal)
        .then(({ x, y }) => setDetail({ label: `${from}:${to}`, x, y, start: from }))
        .catch(() => {});
    }, DETAIL_MS);
    return () => {
      window.clearTimeout(timer);
      abort.abort();
    };
  }, [node, model, key, part, revision.current]);
  return detail;
}
