// @ts-check
// The views of a widget: an image, lines or rows as on the web page, and the state of the stream.
import { html, useEffect, useMemo, useReducer } from "../static/web/vendor/preact.js";
import { ImageView } from "../static/web/image/image-view.js";
import { LinePlot } from "../static/web/plots/line-plot.js";
import { formatValue } from "../static/web/plots/values.js";

/** @typedef {import("./store.js").Store} Store */

/** @param {{store: Store, kind: string, label: string, picture: string}} props */
export function LiveView({ store, kind, label, picture }) {
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  useEffect(() => store.subscribe(() => redraw(undefined)), [store]);
  const View = kind === "image" ? LiveImage : kind === "line" ? LiveLine : LiveRows;
  // A notebook that was saved has a picture, but no kernel that sends anything.
  const saved = !store.hasContent && picture;
  return html`${saved ? html`<img class="live-picture" src=${picture} alt=${label} />` : html`<${View} store=${store} label=${label} />`}
    <div class="live-status" role="status">
      <span class=${`live-dot ${store.status.state}`}></span>
      <span class="truncate">${label}</span>
      <span class="muted num">${saved ? "saved picture" : store.status.text}</span>
    </div>`;
}

/** @param {{store: Store, label: string}} props */
function LiveImage({ store, label }) {
  const { frame } = store;
  return html`<${ImageView} frame=${frame} view=${store.view} label=${label}
    onView=${(/** @type {any} */ patch) => store.change(patch)}
    onDrawn=${(/** @type {any} */ drawn) => store.drawn(drawn.id)}
    onViewport=${(/** @type {any} */ viewport) => frame && store.look(viewport)} />`;
}

/** @param {{store: Store, label: string}} props */
function LiveLine({ store, label }) {
  const { lines, id } = store;
  const series = useMemo(
    () =>
      (lines?.columns ?? []).map(({ name, values }) => ({
        label: name,
        x: lines?.x ? lines.x.values : null,
        y: values.values,
        start: values.start,
        version: values.version + 1e6 * store.generation,
      })),
    [lines],
  );
  if (!lines) return html`<div class="empty">No data yet</div>`;
  return html`<div class="live-line"><${LinePlot} series=${series} label=${label} xLabel=${lines.xLabel} time=${lines.time}
    view=${store.view} onView=${(/** @type {any} */ patch) => store.change(patch)} onDrawn=${() => store.drawn(id)} /></div>`;
}

/** @param {{store: Store}} props */
function LiveRows({ store }) {
  const { rows, id } = store;
  useEffect(() => {
    const request = requestAnimationFrame(() => store.drawn(id));
    return () => cancelAnimationFrame(request);
  }, [rows]);
  if (!rows) return html`<div class="empty">No rows yet</div>`;
  const count = rows.columns[0]?.values.length ?? 0;
  return html`<div class="live-rows"><table class="plain num">
    <thead><tr><th></th>${rows.columns.map(({ name }) => html`<th>${name}</th>`)}</tr></thead>
    <tbody>${Array.from({ length: count }, (_, i) => html`<tr key=${rows.start + i}>
      <td class="muted">${rows.start + i}</td>${rows.columns.map(({ values }) => html`<td>${formatValue(values[i])}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}
