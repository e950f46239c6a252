// @ts-check
// The sidebar: search, filters, and the tree of nodes, which is updated as nodes are created.
import { html, useEffect, useMemo, useReducer, useRef, useState } from "../../vendor/preact.js";
import { usePage } from "../context.js";
import { formatNumber, formatTime } from "../format.js";
import { icon } from "../../icons/icons.js";
import { FAMILIES, SORTS, isFiltered, searchOptions } from "./filters.js";
import { TreeModel } from "./tree-model.js";
import { VirtualList } from "./virtual-list.js";

const ROW_HEIGHT = 30;
const TYPING_MS = 250;

/**
 * @param {{root: string[], selected: string[], browse: Record<string, string>,
 *   onBrowse: (patch: Record<string, string>) => void}} props
 */
export function Tree({ root, selected, browse, onBrowse }) {
  const { client, open } = usePage();
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const [active, setActive] = useState(-1);
  const model = useMemo(
    () => new TreeModel(client, root, searchOptions(browse)),
    [client, root.join("/"), JSON.stringify(browse)],
  );
  useEffect(() => {
    model.onChange = () => redraw(undefined);
    setActive(-1);
    redraw(undefined);
    return () => model.close();
  }, [model]);

  const path = selected.join("/");
  useEffect(() => model.reveal(selected), [model, path]);
  const show = (/** @type {any} */ info) => open(info.path);
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const move = { ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15 }[event.key];
    const row = active >= 0 ? model.row(active) : null;
    if (move) setActive(Math.max(0, Math.min(model.rows - 1, active + move)));
    else if (event.key === "Home") setActive(0);
    else if (event.key === "End") setActive(model.rows - 1);
    else if (row?.kind !== "node") return;
    else if (event.key === "Enter") show(row.info);
    else if (event.key === "ArrowRight" && !row.open && isContainer(row.info)) model.toggle(row.info, /** @type {any} */ (row).index);
    else if (event.key === "ArrowLeft" && row.open) model.toggle(row.info, /** @type {any} */ (row).index);
    else return;
    event.preventDefault();
  };

  return html`<${TreeTools} browse=${browse} onBrowse=${onBrowse} total=${model.total} />
    <${VirtualList} count=${model.rows} rowHeight=${ROW_HEIGHT} label="Nodes" role="tree" active=${active} onKeyDown=${onKeyDown}
      row=${(/** @type {number} */ index) =>
        html`<${TreeRow} row=${model.row(index)} selected=${path} active=${index === active} filtered=${isFiltered(browse)}
          onOpen=${show} onToggle=${(/** @type {any} */ row) => model.toggle(row.info, row.index)} />`} />`;
}

/** @param {any} info */
function isContainer(info) {
  return info.family === "container";
}

/** @param {any} props */
function TreeRow({ row, selected, active, filtered, onOpen, onToggle }) {
  const indent = { paddingLeft: `${8 + row.depth * 16}px` };
  if (row.kind === "loading") return html`<div class="tree-row muted" style=${indent}><span class="placeholder"></span></div>`;
  if (row.kind === "empty") return html`<div class="tree-row muted" style=${indent}>${filtered && !row.depth ? "No matches." : "Empty"}</div>`;
  if (row.kind === "error") return html`<div class="tree-row tree-error truncate" style=${indent} title=${row.text}>${row.text}</div>`;
  const { info } = row;
  const here = info.path === selected;
  const drag = (/** @type {DragEvent} */ event) => event.dataTransfer?.setData("text/plain", info.path);
  return html`<div class=${`tree-row${here ? " selected" : ""}${active ? " active" : ""}`} style=${indent} role="treeitem" draggable="true" onDragStart=${drag}
    aria-level=${row.depth + 1} aria-selected=${here} aria-expanded=${isContainer(info) ? Boolean(row.open) : undefined}>
    ${
      isContainer(info)
        ? html`<button class="fold-button" tabindex="-1" aria-label=${row.open ? `Close ${info.key}` : `Open ${info.key}`} onClick=${() => onToggle(row)}><span class=${row.open ? "fold open" : "fold"}>${icon("chevron")}</span></button>`
        : html`<span class="fold-button"></span>`
    }
    <button class="tree-name" tabindex="-1" title=${info.key} onClick=${() => onOpen(info)}>
      <span class="muted">${icon(info.family)}</span><span class="truncate">${info.key}</span>
      <span class="grow"></span><span class="muted num tree-detail">${detail(info)}</span>
    </button>
  </div>`;
}

/** Return the shape or the number of children. @param {any} info */
export function detail(info) {
  const { family, structure } = info;
  if (family === "container") return structure?.count !== undefined && structure?.count !== null ? formatNumber(structure.count) : "";
  if (structure?.shape) return structure.shape.map((/** @type {any} */ n) => n ?? "?").join(" × ") || "scalar";
  if (family === "table") return `${structure?.columns?.length ?? 0} columns`;
  return "";
}

/** Return the choices for the earliest creation time; the address has it as a time. @param {string | undefined} chosen */
function sinceOptions(chosen) {
  const now = Date.now();
  const day = 86400000;
  const choices = [["Last hour", now - day / 24], ["Last 24 hours", now - day], ["Last 7 days", now - 7 * day], ["Last 30 days", now - 30 * day]];
  const options = choices.map(([name, time]) => [new Date(Math.floor(Number(time) / 60000) * 60000).toISOString().replace(".000", ""), name]);
  const known = options.some(([value]) => value === chosen);
  if (chosen && !known) options.unshift([chosen, `Since ${formatTime(chosen)}`]);
  return [["", "Any time"], ...options].map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`);
}

/** @param {{browse: Record<string, string>, onBrowse: (patch: any) => void, total: number | null}} props */
function TreeTools({ browse, onBrowse, total }) {
  const [text, setText] = useState(browse.q ?? "");
  const [more, setMore] = useState(Boolean(browse.family || browse.spec));
  const timer = useRef(0);
  useEffect(() => setText(browse.q ?? ""), [browse.q]);
  const typed = (/** @type {any} */ event) => {
    setText(event.target.value);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => onBrowse({ q: event.target.value }), TYPING_MS);
  };
  const pick = (/** @type {string} */ name) => (/** @type {any} */ event) => onBrowse({ [name]: event.target.value });
  return html`<div class="tree-tools">
    <div class="toolbar">
      <input class="input grow" type="search" id="search" placeholder="Search metadata" aria-label="Search metadata" value=${text} onInput=${typed} />
      <button class="btn icon" aria-label="Filters" title="Filters" aria-expanded=${more} onClick=${() => setMore(!more)}>${icon("filter")}</button>
    </div>
    ${
      more &&
      html`<div class="toolbar">
        <select class="select grow" aria-label="Structure family" value=${browse.family ?? ""} onChange=${pick("family")}>
          <option value="">All families</option>${FAMILIES.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
        </select>
        <select class="select grow" aria-label="Created" value=${browse.since ?? ""} onChange=${pick("since")}>
          ${sinceOptions(browse.since)}
        </select>
        <input class="input grow" placeholder="Spec" aria-label="Spec" value=${browse.spec ?? ""} onChange=${pick("spec")} />
      </div>`
    }
    <div class="toolbar">
      <span class="muted num grow" role="status">${total === null ? "…" : `${formatNumber(total)} ${total === 1 ? "node" : "nodes"}`}</span>
      <select class="select small" aria-label="Order" value=${browse.sort ?? ""} onChange=${pick("sort")}>
        ${SORTS.map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
      </select>
    </div>
  </div>`;
}
