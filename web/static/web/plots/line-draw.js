// @ts-check
// Paths of a line plot: uPlot has axes and zoom, and these draw the values.

/** @typedef {import("./line-series.js").PlotSeries} PlotSeries */
/** @typedef {{min: number, max: number, log: boolean, from: number, size: number}} Axis  `from` and `size` in pixels of the canvas */

const POINT_LIMIT = 20000;

/**
 * Return a function from a value to its pixel; values that a log axis lacks are at its beginning.
 * @param {Axis} axis
 * @returns {(value: number) => number}
 */
export function pixelOf({ min, max, log, from, size }) {
  if (log) {
    const low = Math.log10(min);
    const factor = size / (Math.log10(max) - low);
    return (value) => (value > 0 ? from + (Math.log10(value) - low) * factor : from - Math.sign(size) * 4);
  }
  const factor = size / (max - min);
  return (value) => from + (value - min) * factor;
}

/**
 * Return the path of a series: through all points, or through the extremes of each pixel column.
 * @param {PlotSeries} series
 * @param {Axis} x
 * @param {Axis} y
 * @param {number} first  the index that a window begins with
 * @returns {{stroke: Path2D, dense: boolean, from: number, to: number}}
 */
export function linePath(series, x, y, first) {
  const px = pixelOf(x);
  const py = pixelOf(y);
  const [low, to] = series.within(x.min, x.max);
  const from = Math.max(low, first);
  const columns = Math.max(1, Math.round(Math.abs(x.size)));
  const reduced = series.columns(from, to, columns, edgeOf(series, x, from, to, columns));
  const stroke = new Path2D();
  if (!reduced) {
    eachPoint(series, from, to, px, py, stroke);
    return { stroke, dense: false, from, to };
  }
  const { edges, extremes } = reduced;
  let pen = false;
  for (let column = 0; column < columns; column += 1) {
    const at = 4 * column;
    if (edges[column] === edges[column + 1]) continue;
    if (!(extremes[at + 1] <= extremes[at + 2])) {
      pen = false;
      continue;
    }
    const left = px(series.xAt(edges[column]));
    if (pen) stroke.lineTo(left, py(extremes[at]));
    else stroke.moveTo(left, py(extremes[at]));
    stroke.lineTo(left, py(extremes[at + 1]));
    stroke.lineTo(left, py(extremes[at + 2]));
    stroke.lineTo(left, py(extremes[at + 3]));
    pen = true;
  }
  return { stroke, dense: true, from, to };
}

/**
 * Return where columns of equal width in pixels begin on x.
 * @param {PlotSeries} series
 * @param {Axis} x
 * @param {number} from
 * @param {number} to
 * @param {number} columns
 */
function edgeOf(series, x, from, to, columns) {
  if (!series.x || to <= from) return null;
  const low = Math.max(x.min, series.xAt(from));
  const high = Math.min(x.max, series.xAt(to - 1));
  if (x.log && low > 0) return (/** @type {number} */ c) => low * (high / low) ** (c / columns);
  return (/** @type {number} */ c) => low + ((high - low) * c) / columns;
}

/**
 * @param {PlotSeries} series
 * @param {number} from
 * @param {number} to
 * @param {(value: number) => number} px
 * @param {(value: number) => number} py
 * @param {Path2D} path
 */
function eachPoint(series, from, to, px, py, path) {
  let pen = false;
  let lastX = NaN;
  let lastY = NaN;
  for (let i = from; i < to; i += 1) {
    const value = series.y[i];
    const at = series.xAt(i);
    if (!Number.isFinite(value) || !Number.isFinite(at)) {
      pen = false;
      continue;
    }
    const left = px(at);
    const top = py(value);
    // Where many points share a pixel, one of them is enough.
    if (pen && Math.abs(left - lastX) + Math.abs(top - lastY) < 0.3) continue;
    if (pen) path.lineTo(left, top);
    else path.moveTo(left, top);
    [lastX, lastY, pen] = [left, top, true];
  }
}

/**
 * Return squares at the points of a series; of very many, one for each pixel.
 * @param {PlotSeries} series
 * @param {Axis} x
 * @param {Axis} y
 * @param {number} from
 * @param {number} to
 * @param {number} size
 */
export function pointsPath(series, x, y, from, to, size) {
  const px = pixelOf(x);
  const py = pixelOf(y);
  const path = new Path2D();
  const many = to - from > POINT_LIMIT;
  const width = Math.ceil(Math.abs(x.size)) + 1;
  const height = Math.ceil(Math.abs(y.size)) + 1;
  const taken = many ? new Uint8Array(width * height) : null;
  const top = Math.min(y.from, y.from + y.size);
  for (let i = from; i < to; i += 1) {
    const left = px(series.xAt(i));
    const at = py(series.y[i]);
    if (!Number.isFinite(left) || !Number.isFinite(at)) continue;
    if (taken) {
      const column = Math.round(left - x.from);
      const row = Math.round(at - top);
      if (column < 0 || row < 0 || column >= width || row >= height || taken[row * width + column]) continue;
      taken[row * width + column] = 1;
      path.rect(left - 1, at - 1, 2, 2);
    } else {
      path.moveTo(left + size / 2, at);
      path.arc(left, at, size / 2, 0, 2 * Math.PI);
    }
  }
  return path;
}
