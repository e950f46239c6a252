// @ts-check
// Columns of tables: their kinds, and their values as cells and as numbers.

/** @typedef {import("../plots/data-grid.js").Column} Column */

/** Kinds by Arrow's numbers of types. @type {Record<number, Column["type"]>} */
const KINDS = {
  2: "number", 3: "number", 5: "text", 6: "bool", 7: "number", 8: "time", 9: "number", 10: "time", 18: "number", 12: "nested", 13: "nested",
  16: "nested", 17: "nested", 20: "text", 21: "nested", 24: "text", 25: "nested", 26: "nested",
};

/**
 * Return the columns of a table by its Arrow schema.
 * @param {any} table  of the client
 * @param {string[]} names  in the order of the structure
 * @returns {Column[]}
 */
export function columnsOf(table, names) {
  const fields = new Map(table.schema.fields.map((/** @type {any} */ field) => [field.name, field.type]));
  return names.map((name) => ({ name, type: kindOf(fields.get(name)) }));
}

/** @param {any} type @returns {Column["type"]} */
function kindOf(type) {
  if (!type) return "other";
  // A dictionary has the values of another type.
  return KINDS[type.typeId === -1 ? type.dictionary?.typeId : type.typeId] ?? "other";
}

/** @param {Column} column */
export function isPlottable(column) {
  return column.type === "number" || column.type === "time" || column.type === "bool";
}

/**
 * Return a column as numbers: times in milliseconds, missing values as NaN.
 * @param {any} table
 * @param {string} name
 * @returns {Float64Array}
 */
export function columnNumbers(table, name) {
  const column = table.getChild(name);
  if (!column) return new Float64Array(table.numRows).fill(NaN);
  const values = column.nullCount ? column : column.toArray();
  if (values instanceof Float64Array) return values;
  const count = table.numRows;
  const result = new Float64Array(count);
  for (let i = 0; i < count; i += 1) {
    const value = values === column ? column.at(i) : values[i];
    result[i] = value === null || value === undefined ? NaN : Number(value);
  }
  return result;
}

/**
 * Return the rows of a table, beginning with the row `from`, as lists of cells.
 * @param {any} table
 * @param {Column[]} columns
 * @param {number} from
 * @returns {unknown[][]}
 */
export function rowsOf(table, columns, from) {
  const found = columns.map(({ name }) => table.getChild(name));
  const rows = [];
  for (let i = from; i < table.numRows; i += 1) rows.push(found.map((column) => column?.at(i) ?? null));
  return rows;
}

/**
 * Return whether numbers of a column are seconds since 1970, as many control systems write them.
 * @param {Column} column
 * @param {number} value  one of them
 */
export function isEpochSeconds(column, value) {
  return column.type === "number" && /time|stamp|^ts$|^t$|epoch/i.test(column.name) && value > 5e8 && value < 5e9;
}

/** @param {string[]} names */
export function formatNames(names) {
  return names.map(encodeURIComponent).join(",");
}

/** @param {string | undefined} text */
export function parseNames(text) {
  return (text ?? "").split(",").filter(Boolean).map(decodeURIComponent);
}
