// @ts-check
// Statistics of the regions of interest for each frame, computed by the server.
import { html, useReducer, useRef } from "../vendor/preact.js";
import { useLive } from "../app/live/use-live.js";
import { LinePlot } from "../plots/line-plot.js";

const STATISTICS = ["mean", "sum", "max", "min"];
const MAX_POINTS = 20000;

/** @param {any} props */
export function RoiTrace({ client, info, roi, view, onView }) {
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const regions = roi.split(";").filter(Boolean);
  const points = useRef(/** @type {{key: string, x: number[], y: number[][]}} */ ({ key: "", x: [], y: [] }));
  const statistic = STATISTICS.includes(view.statistic) ? view.statistic : "mean";
  const key = `${roi}|${statistic}`;
  if (points.current.key !== key) points.current = { key, x: [], y: regions.map(() => []) };
  const live = useLive(client, info.path, {
    start: 0,
    policy: "block",
    roi,
    onUpdate: (update) => {
      const frames = update.message.values ?? [];
      const { x, y } = points.current;
      frames.forEach((/** @type {any[]} */ found, /** @type {number} */ i) => {
        x.push((update.offset?.[0] ?? update.sequence) + i);
        regions.forEach((/** @type {string} */ _, /** @type {number} */ r) => y[r].push(found[r]?.[statistic] ?? NaN));
      });
      if (x.length > MAX_POINTS) {
        x.splice(0, MAX_POINTS / 4);
        for (const values of y) values.splice(0, MAX_POINTS / 4);
      }
      redraw(undefined);
    },
  });
  const series = regions.map((/** @type {string} */ region, /** @type {number} */ i) => ({
    label: regions.length > 1 ? `${statistic} of ${i + 1}` : statistic,
    x: Float64Array.from(points.current.x),
    y: Float64Array.from(points.current.y[i]),
  }));
  return html`<section class="roi-trace" aria-label="Region of interest over time">
    <data class="visually-hidden" data-points=${points.current.x.length} data-last=${points.current.y[0]?.at(-1) ?? ""}></data>
    <header class="toolbar"><h3 class="grow">Region of interest${live.error ? `: ${live.error}` : ""}</h3>
      <select class="select" aria-label="Statistic" value=${statistic} onChange=${(/** @type {any} */ e) => onView({ statistic: e.target.value })}>
        ${STATISTICS.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select>
    </header>
    <${LinePlot} series=${series} view=${{}} onView=${() => {}} label=${`${statistic} of the region of interest`} />
  </section>`;
}
