// @ts-check
// What a plot or a grid shows, as a file: CSV or PNG.
import { csvField, formatInstant } from "./values.js";

/** @typedef {import("./line-series.js").PlotSeries} PlotSeries */

// Texts are joined in pieces, so that no single string grows beyond what engines allow.
const ROWS_PER_PIECE = 20000;

/**
 * Save a blob under a name.
 * @param {Blob} blob
 * @param {string} name
 */
export function saveBlob(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser reads the blob after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

/**
 * Return a name that file systems accept.
 * @param {string} label
 * @param {string} extension
 */
export function fileName(label, extension) {
  const safe = label.replace(/[^\p{L}\p{N}._-]+/gu, "_").replace(/^[_.]+|_+$/g, "");
  return `${safe || "data"}.${extension}`;
}

/**
 * Return rows as CSV.
 * @param {string[]} header
 * @param {number} count
 * @param {(row: number) => unknown[]} rowAt
 * @returns {Blob}
 */
export function csvBlob(header, count, rowAt) {
  /** @type {string[]} */
  const pieces = [`${header.map(csvField).join(",")}\n`];
  for (let start = 0; start < count; start += ROWS_PER_PIECE) {
    const lines = [];
    const stop = Math.min(count, start + ROWS_PER_PIECE);
    for (let row = start; row < stop; row += 1) lines.push(rowAt(row).map(csvField).join(","));
    pieces.push(`${lines.join("\n")}\n`);
  }
  return new Blob(pieces, { type: "text/csv" });
}

/**
 * Return the points of series within a range of x as CSV: x and one column for each series that
 * shares it, or a pair of columns for each series if their x differ.
 * @param {PlotSeries[]} series
 * @param {[number, number][]} ranges  of indices, for each series
 * @param {string} xLabel
 * @param {boolean} time  whether x is milliseconds since 1970
 */
export function seriesCsv(series, ranges, xLabel, time) {
  const [first] = series;
  const shared = series.every((s, i) => sameX(s, first) && ranges[i][0] === ranges[0][0] && ranges[i][1] === ranges[0][1]);
  const counts = ranges.map(([from, to]) => Math.max(0, to - from));
  const value = (/** @type {number} */ x) => (time ? formatInstant(x) : x);
  if (shared && first) {
    const from = ranges[0][0];
    return csvBlob([xLabel, ...series.map((s) => s.label)], counts[0], (row) => [value(first.xAt(from + row)), ...series.map((s) => s.y[from + row])]);
  }
  return csvBlob(
    series.flatMap((s) => [`${xLabel} of ${s.label}`, s.label]),
    Math.max(0, ...counts),
    (row) => series.flatMap((s, i) => (row < counts[i] ? [value(s.xAt(ranges[i][0] + row)), s.y[ranges[i][0] + row]] : ["", ""])),
  );
}

/**
 * @param {PlotSeries} a
 * @param {PlotSeries} b
 */
function sameX(a, b) {
  if (a.x === null || b.x === null) return a.x === b.x && a.start === b.start && a.step === b.step;
  return a.x.buffer === b.x.buffer && a.x.byteOffset === b.x.byteOffset && a.x.length === b.x.length;
}

/**
 * Return a picture of a plot, with the names of its series above.
 * @param {HTMLCanvasElement} canvas
 * @param {{label: string, color: string}[]} legend
 * @param {import("./theme.js").Theme} theme
 * @returns {Promise<Blob | null>}
 */
export function plotPicture(canvas, legend, theme) {
  const scale = devicePixelRatio || 1;
  const top = legend.length ? Math.round(28 * scale) : 0;
  const picture = document.createElement("canvas");
  picture.width = canvas.width;
  picture.height = canvas.height + top;
  const context = /** @type {CanvasRenderingContext2D} */ (picture.getContext("2d"));
  context.fillStyle = theme.surface;
  context.fillRect(0, 0, picture.width, picture.height);
  context.font = theme.font.replace("12px", `${Math.round(12 * scale)}px`);
  context.textBaseline = "middle";
  let left = 12 * scale;
  for (const { label, color } of legend) {
    context.fillStyle = color;
    context.fillRect(left, top / 2 - scale, 14 * scale, 2 * scale);
    context.fillStyle = theme.text;
    context.fillText(label, left + 20 * scale, top / 2);
    left += context.measureText(label).width + 36 * scale;
  }
  context.drawImage(canvas, 0, top);
  return new Promise((resolve) => picture.toBlob(resolve, "image/png"));
}
