// @ts-check
// A waterfall of the last rows of a two-dimensional array, which follows them as they are appended.
import { html, useEffect, useMemo, useState } from "../vendor/preact.js";
import { ImageView } from "../image/image-view.js";
import { useSteppedUpdate } from "./line-history.js";
import { PARTS } from "./numbers.js";
import { StackModel } from "./stack-model.js";
import { useUpdates } from "./use-updates.js";

const ROWS = 400;

/** @param {any} props */
export function StackPanel({ client, info, view, onView, onLive, tools }) {
  // The image view shows a part of complex numbers itself; the waterfall has the chosen one alone.
  const part = PARTS.includes(view.part) ? view.part : "amplitude";
  const model = useMemo(() => new StackModel(client.node(info.path), info.structure, part, ROWS), [client, info.path, part]);
  const { live, tick, failure, loaded, markDrawn } = useUpdates(client, info, { start: "next", policy: "block" }, model, onLive);
  const stepped = useSteppedUpdate(live);
  const [former, setFormer] = useState(/** @type {any} */ (null));
  useEffect(() => {
    let current = true;
    setFormer(null);
    if (stepped) model.at(stepped).then((/** @type {any} */ found) => current && setFormer(found), () => {});
    return () => {
      current = false;
    };
  }, [stepped, model]);
  const { waterfall, time, end } = former ?? model;
  const frame = useMemo(() => waterfall.frame(time), [tick, model, loaded, former]);
  const shown = useMemo(() => ({ aspect: "free", ...view }), [view]);
  if (!loaded) return html`<div class="empty"><span class="spinner" role="status" aria-label="Loading"></span></div>`;
  return html`<div class="panel">
    ${failure && html`<p class="error">${failure}</p>`}
    <div class="toolbar">${tools}<span class="muted num">rows ${Math.max(0, end - waterfall.count)} to ${Math.max(0, end - 1)}, the newest at the bottom</span></div>
    <div class="panel-fill waterfall"><${ImageView} frame=${frame} view=${shown} onView=${onView} onDrawn=${markDrawn} label=${`${info.key}, the newest row at the bottom`} /></div>
  </div>`;
}
