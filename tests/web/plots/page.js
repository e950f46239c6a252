// A line plot and a grid, which tests control through `window.page`.
import { html, render } from "/static/web/vendor/preact.js";
import { DataGrid } from "/static/web/plots/data-grid.js";
import { LinePlot } from "/static/web/plots/line-plot.js";
import { RollingBuffer } from "/static/web/plots/rolling.js";

const page = { view: {}, follow: true, reads: [], drawn: 0 };
let series = [];
let options = {};

/** Draw series of lists, or of `count` values of a noisy sine with one peak. */
page.plot = (given, more = {}) => {
  series = given;
  options = more;
  page.view = {};
  draw();
};

const onView = (patch) => {
  page.view = { ...page.view, ...patch };
  draw();
};

const onDrawn = () => {
  page.drawn += 1;
};

function draw() {
  const element = document.getElementById("plot");
  render(html`<${LinePlot} label="Test" series=${series} view=${page.view} onView=${onView} onDrawn=${onDrawn} ...${options} />`, element);
}

/** Append values to a line of a million points, and draw each time; return the milliseconds of each. */
page.grow = async (times) => {
  const buffer = new RollingBuffer();
  buffer.append(Float64Array.from({ length: 1e6 }, (_, i) => Math.sin(i / 3e4) + (i === 654321 ? 8 : 0)));
  const spent = [];
  for (let n = 0; n < times; n += 1) {
    await new Promise(requestAnimationFrame);
    const began = performance.now();
    buffer.append(Float64Array.from({ length: 1000 }, (_, i) => Math.sin((buffer.end + i) / 3e4)));
    page.plot([{ label: "grown", x: null, y: buffer.values, version: buffer.version }]);
    spent.push(performance.now() - began);
  }
  return spent;
};

/** Show a grid of rows that say their number. */
page.grid = (total) => {
  const value = (start) => (row, column) => [start + row, `row ${start + row}`, null][column];
  const rows = async (start, stop) => {
    page.reads.push([start, stop]);
    return { start, length: stop - start, value: value(start) };
  };
  const onFollow = (follow) => {
    page.follow = follow;
    page.grid(page.total);
  };
  page.total = total;
  const columns = [{ name: "number", type: "number" }, { name: "text", type: "text" }, { name: "nothing", type: "number" }];
  const start = total - 50;
  const tail = { start, length: 50, value: value(start) };
  render(html`<${DataGrid} label="Rows" columns=${columns} total=${total} rows=${rows} tail=${tail} follow=${page.follow} onFollow=${onFollow} />`, document.getElementById("grid"));
};

window.page = page;
