// @ts-check
// A grid of table rows, of which only those in view exist; it follows the newest, or stays.
import { html, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState } from "../vendor/preact.js";
import { GridPages } from "./grid-pages.js";
import { GridScroll } from "./grid-scroll.js";
import { formatInstant, formatValue } from "./values.js";

/** @typedef {import("./grid-pages.js").Rows} Rows */
/** @typedef {{name: string, type: "number" | "time" | "text" | "bool" | "nested" | "other"}} Column */

const ROW = 26;
const HEAD = 30;
// Pixels for a character; the unit `ch` would be another in the bold header.
const CHARACTER = 7.8;
/** Widths in characters, by type. @type {Record<string, number>} */
const WIDTHS = { number: 13, time: 24, text: 20, bool: 8, nested: 30, other: 20 };
const MAX_NAME = 28;

/**
 * `rows` reads a range; `tail` is the newest rows, where they are known already; `revision` changes
 * when rows changed that may have been read. `onFollow` asks to follow the newest row, or to stay.
 * @param {{columns: Column[], total: number, rows: (start: number, stop: number) => Promise<Rows>, tail?: Rows | null,
 *   follow?: boolean, onFollow?: (follow: boolean) => void, revision?: unknown, label: string, firstVisible?: {current: number}}} props
 */
export function DataGrid({ columns, total, rows, tail = null, follow = false, onFollow, revision, label, firstVisible }) {
  const [, redraw] = useReducer((/** @type {number} */ n) => n + 1, 0);
  const [active, setActive] = useState({ row: -1, column: 0 });
  const element = useRef(/** @type {any} */ (null));
  const scroll = useMemo(() => new GridScroll(ROW), []);
  const reader = useRef(rows);
  reader.current = rows;
  const pages = useMemo(() => new GridPages((start, stop) => reader.current(start, stop)), []);
  const id = useId();

  useMemo(() => pages.clear(), [revision, pages]);
  useEffect(() => {
    pages.onChange = () => redraw(undefined);
    return () => pages.dispose();
  }, [pages]);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => redraw(undefined));
    observer.observe(element.current);
    redraw(undefined);
    return () => observer.disconnect();
  }, []);

  scroll.measure(total, Math.max(0, (element.current?.clientHeight ?? 0) - HEAD));
  if (follow) scroll.toEnd();
  const [first, stop] = scroll.visible;
  if (firstVisible) firstVisible.current = first;
  useScrollbar(element, scroll);
  useEffect(() => {
    const known = tail && tail.start < stop ? Math.max(first, tail.start) : stop;
    pages.want(first, Math.min(stop, known), total);
  }, [first, stop, total, tail?.start, revision]);

  const onScroll = () => {
    const position = element.current.scrollTop;
    if (Math.abs(position - scroll.position) < 1) return;
    scroll.scrolledTo(position);
    if (scroll.atEnd !== follow) onFollow?.(scroll.atEnd);
    redraw(undefined);
  };
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    const next = moved(event, active.row < 0 ? { row: first, column: 0 } : active, total, columns.length, scroll);
    if (!next) return;
    event.preventDefault();
    event.stopPropagation();
    setActive(next);
    scroll.reveal(next.row);
    if (scroll.atEnd !== follow) onFollow?.(scroll.atEnd);
  };
  const onCopy = (/** @type {ClipboardEvent} */ event) => {
    if (active.row < 0 || !getSelection()?.isCollapsed) return;
    const found = rowsOf(active.row, tail, pages);
    if (!found || typeof found === "string") return;
    event.clipboardData?.setData("text/plain", cellText(found.value(active.row - found.start, active.column), columns[active.column].type));
    event.preventDefault();
  };

  const digits = Math.max(3, String(Math.max(0, total - 1)).length);
  const index = (digits + 3) * CHARACTER;
  const template = `${index}px ${columns.map((c) => `minmax(${widthOf(c)}px, ${widthOf(c)}fr)`).join(" ")}`;
  const width = `${columns.reduce((sum, c) => sum + widthOf(c), index)}px`;
  const slots = [];
  for (let row = first; row < stop; row += 1) slots.push(row);
  return html`<div class="data-grid num" ref=${element} role="grid" aria-label=${label} aria-rowcount=${total + 1} aria-colcount=${columns.length + 1}
    aria-activedescendant=${active.row >= first && active.row < stop ? `${id}-${active.row}-${active.column}` : null}
    tabindex="0" onScroll=${onScroll} onKeyDown=${onKeyDown} onCopy=${onCopy}>
    <div class="grid-space" role="presentation" style=${{ height: `${scroll.height + HEAD}px`, minWidth: width }}>
      <div class="grid-view" role="presentation" style=${{ height: `${scroll.viewport + HEAD}px` }}>
        <div class="grid-row grid-head" role="row" aria-rowindex="1" style=${{ gridTemplateColumns: template, height: `${HEAD}px` }}>
          <div class="grid-cell grid-index" role="columnheader" aria-colindex="1"><span class="visually-hidden">Row</span></div>
          ${columns.map((column, i) => html`<div key=${i} class=${`grid-cell grid-${column.type}`} role="columnheader" aria-colindex=${i + 2} title=${column.name}>${column.name}</div>`)}
        </div>
        <div class="grid-rows" role="rowgroup" style=${{ height: `${scroll.viewport}px` }}>
          <div role="presentation" style=${{ transform: `translateY(${first * ROW - scroll.top}px)` }}>
            ${slots.map((row, slot) => html`<${GridRow} key=${slot} id=${id} row=${row} columns=${columns} found=${rowsOf(row, tail, pages)}
              template=${template} active=${active.row === row ? active.column : -1} onPick=${setActive} />`)}
          </div>
        </div>
      </div>
    </div>
  </div>`;
}

/**
 * Move the scrollbar to the position of the rows, unless the user drags it.
 * @param {{current: any}} element
 * @param {GridScroll} scroll
 */
function useScrollbar(element, scroll) {
  const timer = useRef(0);
  const last = useRef(-1);
  useLayoutEffect(() => {
    const place = () => {
      // A scroll whose event is still to come is the user's.
      if (!element.current || Math.abs(element.current.scrollTop - scroll.position) >= 1) return;
      element.current.scrollTop = scroll.scrollbar;
      scroll.position = element.current.scrollTop;
    };
    const target = scroll.scrollbar;
    if (Math.abs(target - scroll.position) < 1) return;
    const byUser = last.current !== scroll.position;
    last.current = scroll.position;
    clearTimeout(timer.current);
    // A scroll in progress would be interrupted by moving the scrollbar.
    if (byUser && scroll.ratio > 1) timer.current = window.setTimeout(place, 150);
    else place();
  });
  useEffect(() => () => clearTimeout(timer.current), []);
}

/** @param {{id: string, row: number, columns: Column[], found: Rows | string | null, template: string, active: number, onPick: (cell: any) => void}} props */
function GridRow({ id, row, columns, found, template, active, onPick }) {
  const style = { gridTemplateColumns: template, height: `${ROW}px` };
  const number = html`<div class="grid-cell grid-index" role="rowheader" aria-colindex="1">${row}</div>`;
  if (!found || typeof found === "string") {
    return html`<div class="grid-row" role="row" aria-rowindex=${row + 2} style=${style}>${number}
      <div class="grid-cell muted" role="gridcell" aria-colindex="2">${found ? `Not read: ${found}` : "…"}</div></div>`;
  }
  return html`<div class=${row % 2 ? "grid-row odd" : "grid-row"} role="row" aria-rowindex=${row + 2} style=${style}>${number}
    ${columns.map((column, i) => {
      const value = found.value(row - found.start, i);
      const missing = value === null || value === undefined;
      const text = missing ? "null" : cellText(value, column.type);
      return html`<div key=${i} id=${`${id}-${row}-${i}`} role="gridcell" aria-colindex=${i + 2} aria-selected=${i === active}
        class=${`grid-cell grid-${column.type}${missing ? " muted" : ""}`} title=${text.length > 18 ? text : null}
        onClick=${() => onPick({ row, column: i })}>${text}</div>`;
    })}</div>`;
}

/**
 * @param {unknown} value
 * @param {Column["type"]} type
 */
function cellText(value, type) {
  return type === "time" && typeof value === "number" ? formatInstant(value) : formatValue(value);
}

/**
 * @param {number} row
 * @param {Rows | null} tail
 * @param {GridPages} pages
 */
function rowsOf(row, tail, pages) {
  return tail && row >= tail.start && row < tail.start + tail.length ? tail : pages.find(row);
}

/** @param {Column} column */
function widthOf(column) {
  return Math.round(CHARACTER * Math.max(WIDTHS[column.type] ?? 20, Math.min(MAX_NAME, column.name.length + 3)));
}

/**
 * Return the cell that a key leads to, or null for other keys.
 * @param {KeyboardEvent} event
 * @param {{row: number, column: number}} cell
 * @param {number} total
 * @param {number} columns
 * @param {GridScroll} scroll
 */
function moved(event, { row, column }, total, columns, scroll) {
  if (event.altKey || (event.metaKey && !event.ctrlKey)) return null;
  const whole = event.ctrlKey;
  /** @type {Record<string, [number, number]>} */
  const targets = {
    ArrowUp: [whole ? 0 : row - 1, column],
    ArrowDown: [whole ? total - 1 : row + 1, column],
    ArrowLeft: [row, whole ? 0 : column - 1],
    ArrowRight: [row, whole ? columns - 1 : column + 1],
    PageUp: [row - scroll.rowsPerPage, column],
    PageDown: [row + scroll.rowsPerPage, column],
    Home: whole ? [0, 0] : [0, column],
    End: whole ? [total - 1, columns - 1] : [total - 1, column],
  };
  const target = targets[event.key];
  if (!target) return null;
  return { row: Math.max(0, Math.min(total - 1, target[0])), column: Math.max(0, Math.min(columns - 1, target[1])) };
}
