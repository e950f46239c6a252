// @ts-check
// A table: its rows, with new ones as they arrive, and its columns as a plot.
import { html, useEffect, useMemo, useRef, useState } from "../vendor/preact.js";
import { icon } from "../icons/icons.js";
import { DataGrid } from "../plots/data-grid.js";
import { csvBlob, fileName, saveBlob } from "../plots/export.js";
import { Tabs } from "./choices.js";
import { TableModel } from "./table-model.js";
import { useTableHistory } from "./table-history.js";
import { TablePlot } from "./table-plot.js";
import { useUpdates } from "./use-updates.js";

const CSV_ROWS = 10000;

/** @param {any} props */
export function TablePanel({ client, info, view, onView, onLive }) {
  const model = useMemo(() => new TableModel(client.node(info.path), info.structure), [client, info.path]);
  const { live, tick, failure, loaded, markDrawn } = useUpdates(client, info, { start: "next", policy: "block" }, model, onLive);
  const shown = useFrozen(model, live.paused, tick);
  const stepped = useTableHistory(live, model, shown);
  const plot = view.show === "plot";
  if (!loaded) return html`<div class="empty"><span class="spinner" role="status" aria-label="Loading"></span></div>`;
  return html`<div class="panel">
    <div class="table-head">
      <${Tabs} label="How to show the table" tabs=${[["rows", "Rows"], ["plot", "Plot"]]} value=${plot ? "plot" : "rows"}
        onChange=${(/** @type {string} */ show) => onView({ show: show === "rows" ? null : show })} />
      <span class="muted num" role="status"><b>${grouped((stepped ?? shown).total)}</b> rows${model.received > 0 && html`, <b>${grouped(model.received)}</b> received`}</span>
    </div>
    ${failure && html`<p class="error">${failure}</p>`}
    ${
      plot
        ? html`<${TablePlot} model=${model} tick=${tick} stepped=${stepped} view=${view} onView=${onView} onDrawn=${markDrawn} label=${info.key} />`
        : html`<${TableRows} model=${model} shown=${stepped ?? shown} label=${info.key} onDrawn=${markDrawn} />`
    }
  </div>`;
}

/** @param {any} props */
function TableRows({ model, shown, label, onDrawn }) {
  const [follow, setFollow] = useState(true);
  const [busy, setBusy] = useState(false);
  const first = useRef(0);
  useEffect(onDrawn);
  const rows = async (/** @type {number} */ start, /** @type {number} */ stop) => {
    if (!shown.stored) throw new Error("The stream does not retain this row any more.");
    return model.rows(start, stop);
  };
  const save = async () => {
    setBusy(true);
    try {
      saveBlob(await rowsCsv(model, shown, rows, first.current), fileName(label, "csv"));
    } finally {
      setBusy(false);
    }
  };
  return html`<div class="toolbar">
      <button class="btn" aria-pressed=${follow} title="Show each new row as it arrives" onClick=${() => setFollow(!follow)}>${icon("latest")}Follow the newest</button>
      <button class="btn" disabled=${busy || !shown.total} title=${`Save up to ${CSV_ROWS} rows as CSV, beginning with the first visible row`} onClick=${save}>${icon("download")} CSV</button>
    </div>
    <div class="panel-fill"><${DataGrid} label=${`Rows of ${label}`} columns=${model.columns} total=${shown.total} tail=${shown.tail} follow=${follow} onFollow=${setFollow}
      revision=${`${model.revision} ${shown.stored || shown.sequence}`} rows=${rows} firstVisible=${first} /></div>`;
}

/**
 * Return the rows for the grid: the newest, or those that were the newest at the pause.
 * @param {TableModel} model
 * @param {boolean} paused
 * @param {number} tick
 */
function useFrozen(model, paused, tick) {
  const kept = useRef(/** @type {any} */ (null));
  return useMemo(() => {
    if (paused && kept.current?.model === model) return kept.current;
    const { total, tail } = model;
    const start = model.tailStart;
    // The model's list keeps growing: a fixed length keeps this part unchanged.
    kept.current = { model, total, stored: true, tail: { start, length: tail.length, value: (/** @type {number} */ row, /** @type {number} */ column) => tail[row][column] } };
    return kept.current;
  }, [model, paused, tick]);
}

/**
 * Return rows as CSV, beginning with the row `first`.
 * @param {TableModel} model
 * @param {any} shown
 * @param {(start: number, stop: number) => Promise<import("../plots/grid-pages.js").Rows>} rows
 * @param {number} first
 */
async function rowsCsv(model, shown, rows, first) {
  const stop = Math.min(shown.total, first + CSV_ROWS);
  const { tail } = shown;
  const read = first < tail.start ? await rows(first, Math.min(stop, tail.start)) : null;
  return csvBlob(["row", ...model.names], stop - first, (i) => {
    const row = first + i;
    const cell = (/** @type {number} */ column) => (row < tail.start ? read?.value(i, column) : tail.value(row - tail.start, column));
    return [row, ...model.columns.map(({ type }, column) => (type === "time" && typeof cell(column) === "number" ? new Date(Number(cell(column))) : cell(column)))];
  });
}

/** @param {number} count */
function grouped(count) {
  return count.toLocaleString("en").replaceAll(",", " ");
}
