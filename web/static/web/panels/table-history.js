// @ts-check
// The rows of a table as they were after an update, from the stored data and the updates that its stream retains.
import { useEffect, useMemo, useState } from "../vendor/preact.js";
import { replay } from "../app/live/replay.js";
import { rowsOf } from "./columns.js";
import { useSteppedUpdate } from "./line-history.js";
import { ARROW } from "./table-model.js";

/** @typedef {import("./table-model.js").TableModel} TableModel */
/** @typedef {import("../plots/grid-pages.js").Rows} Rows */
/**
 * @typedef {object} ShownRows
 * @property {number} total
 * @property {Rows} tail  the rows that are known
 * @property {boolean} stored  whether rows before these are still those that are stored
 * @property {number} [sequence]
 */

/**
 * Return the rows after the update that a user has stepped to; null for the newest ones.
 * @param {any} live
 * @param {TableModel} model
 * @param {ShownRows} newest
 * @returns {ShownRows | null}
 */
export function useTableHistory(live, model, newest) {
  const [shown, setShown] = useState(/** @type {ShownRows | null} */ (null));
  const history = useMemo(() => new TableHistory(model), [model, live.resets]);
  const update = useSteppedUpdate(live);
  const { head } = live;
  useEffect(() => {
    const abort = new AbortController();
    if (!update) setShown(null);
    else history.at(update, head, newest, abort.signal).then((/** @type {ShownRows} */ rows) => !abort.signal.aborted && setShown(rows), () => {});
    return () => abort.abort();
  }, [update, history]);
  return update && shown?.sequence === update.sequence ? shown : null;
}

class TableHistory {
  /** Numbers of the updates that replaced rows, among those from `#from` to `#to`. @type {number[]} */
  #replaced = [];
  #from = Infinity;
  #to = 0;

  /** @param {TableModel} model */
  constructor(model) {
    this.model = model;
  }

  /**
   * @param {any} update
   * @param {number} head
   * @param {ShownRows} newest
   * @param {AbortSignal} signal
   * @returns {Promise<ShownRows>}
   */
  async at(update, head, newest, signal) {
    const { sequence, rows } = update;
    await this.#scan(sequence + 1, head, signal);
    // What was appended since comes after these rows, which are stored as they were then.
    const isPrefix = rows && this.model.partitions <= 1 && !this.#replaced.some((number) => number > sequence);
    if (isPrefix) return { ...part(newest, rows.offset + rows.count), sequence };
    return { ...(await this.#retained(sequence, signal)), sequence };
  }

  /**
   * Find the updates that replaced rows, of which one column is enough.
   * @param {number} from
   * @param {number} to
   * @param {AbortSignal} signal
   */
  async #scan(from, to, signal) {
    const columns = this.model.names.slice(0, 1);
    const earlier = from < this.#from ? await replay(this.model.node, { start: from, stop: Math.min(to, this.#from - 1), columns }, signal) : [];
    const later = this.#to && to > this.#to ? await replay(this.model.node, { start: this.#to + 1, stop: to, columns }, signal) : [];
    if (signal.aborted) return;
    this.#replaced.push(...[...earlier, ...later].filter((update) => !update.append).map((update) => update.sequence));
    this.#from = Math.min(this.#from, from);
    this.#to = Math.max(this.#to, to);
  }

  /**
   * Return the rows that the updates up to a number have, since the last one that replaced all rows.
   * @param {number} sequence
   * @param {AbortSignal} signal
   * @returns {Promise<ShownRows>}
   */
  async #retained(sequence, signal) {
    const updates = await replay(this.model.node, { start: 1, stop: sequence }, signal);
    const first = Math.max(0, updates.findLastIndex((update) => !update.append));
    const parts = updates.slice(first);
    const tables = await Promise.all(parts.map((update) => update.data({ arrow: ARROW })));
    const cells = tables.flatMap((table) => rowsOf(table, this.model.columns, 0));
    const start = parts[0]?.append ? (parts[0].rows?.offset ?? 0) : 0;
    return { total: start + cells.length, tail: rowsFrom(start, cells), stored: false };
  }
}

/**
 * @param {number} start
 * @param {unknown[][]} cells
 * @returns {Rows}
 */
function rowsFrom(start, cells) {
  return { start, length: cells.length, value: (row, column) => cells[row]?.[column] };
}

/**
 * Return the first rows of those shown.
 * @param {ShownRows} shown
 * @param {number} total
 * @returns {ShownRows}
 */
function part(shown, total) {
  const { tail } = shown;
  const start = Math.min(tail.start, total);
  return { total, stored: true, tail: { ...tail, start, length: Math.max(0, Math.min(tail.length, total - start)) } };
}
