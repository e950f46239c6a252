// Growing buffers, extremes, aggregates and the scroll position of a grid, without a browser.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameAggregate, aggregate } from "../../../web/static/web/plots/aggregate.js";
import { MinMaxTree, columnExtremes, evenEdges, lowerBound } from "../../../web/static/web/plots/decimate.js";
import { GridScroll } from "../../../web/static/web/plots/grid-scroll.js";
import { fullRange, parseRange, rangeOptions } from "../../../web/static/web/plots/line-range.js";
import { PlotSeries } from "../../../web/static/web/plots/line-series.js";
import { RollingBuffer, parseWindow, windowStart } from "../../../web/static/web/plots/rolling.js";
import { csvField, formatInstant, formatNumber, formatValue, millisecondsOf } from "../../../web/static/web/plots/values.js";

/** Numbers that look random and are the same in each run. */
function numbers(count, seed = 1) {
  let state = seed;
  return Float64Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  });
}

test("the extremes of any range are those of its values, however the tree has grown", () => {
  const values = numbers(70000);
  values[300] = NaN;
  values[4000] = Infinity;
  values[4001] = -Infinity;
  values.fill(NaN, 9000, 9400);
  const tree = new MinMaxTree(values);
  for (const length of [1, 15, 16, 17, 5000, 5001, 69999, 70000]) tree.grow(length);
  const picks = numbers(400, 7);
  for (let i = 0; i < picks.length; i += 2) {
    const [start, end] = [picks[i], picks[i + 1]].map((p) => Math.floor(p * 70000)).sort((a, b) => a - b);
    const finite = values.subarray(start, end).filter(Number.isFinite);
    tree.query(start, end);
    assert.equal(tree.min, finite.length ? finite.reduce((a, b) => Math.min(a, b)) : NaN);
    assert.equal(tree.max, finite.length ? finite.reduce((a, b) => Math.max(a, b)) : NaN);
  }
  tree.query(9010, 9300);
  assert.ok(Number.isNaN(tree.min));
});

test("columns keep the first, lowest, highest and last value of their points", () => {
  const tree = new MinMaxTree(Float64Array.of(3, 1, 5, 4, 2, 9));
  tree.grow(6);
  assert.deepEqual([...columnExtremes(tree, evenEdges(0, 6, 2))], [3, 1, 5, 5, 4, 2, 9, 9]);
});

test("a buffer that grows keeps its version until values move or change", () => {
  const buffer = new RollingBuffer();
  buffer.append([1, 2, 3]);
  const { version } = buffer;
  buffer.append([4]);
  assert.equal(buffer.version, version);
  buffer.set(1, [7, 8]);
  assert.notEqual(buffer.version, version);
  buffer.set(6, [9]);
  assert.deepEqual([...buffer.values], [1, 7, 8, 4, NaN, NaN, 9]);
  buffer.set(5, [5, 6, 7]);
  assert.deepEqual([...buffer.values], [1, 7, 8, 4, NaN, 5, 6, 7]);
});

test("a limited buffer keeps the newest values under their own indices", () => {
  const buffer = new RollingBuffer(Float64Array, 1000);
  for (let i = 0; i < 100; i += 1) buffer.append(Float64Array.from({ length: 77 }, (_, k) => i * 77 + k));
  assert.equal(buffer.end, 7700);
  assert.ok(buffer.length >= 1000 && buffer.length <= 2000);
  assert.equal(buffer.values[0], buffer.start);
  assert.equal(buffer.values.at(-1), 7699);
  buffer.append(numbers(5000));
  assert.equal(buffer.end, 12700);
  assert.equal(buffer.length, 1000);
});

test("series of a growing buffer are prepared from its new values alone", () => {
  const buffer = new RollingBuffer();
  const series = () => new PlotSeries({ label: "a", x: null, y: buffer.values, version: buffer.version, start: buffer.start });
  buffer.append(numbers(500));
  const before = series();
  buffer.append([50]);
  const after = series();
  assert.equal(after.tree, before.tree);
  assert.equal(after.yExtent(0, after.length, false)[1], 50);
  buffer.set(500, [-50]);
  assert.notEqual(series().tree, before.tree);
  assert.equal(series().yExtent(0, 501, false)[0], -50);
});

test("a series finds its points by x, sorted or not", () => {
  const sorted = new PlotSeries({ label: "a", x: [0, 1, 2, 4, 8], y: [1, 2, 3, 4, 5] });
  assert.deepEqual(sorted.within(1.5, 3), [1, 5]);
  assert.equal(sorted.nearest(3.1), 3);
  const loop = new PlotSeries({ label: "b", x: [0, 2, 1], y: [1n, 2n, 3n] });
  assert.equal(loop.sorted, false);
  assert.equal(loop.nearest(1.1), 2);
  const strided = new PlotSeries({ label: "c", y: [1, 2, 3], start: 10, step: 5 });
  assert.equal(strided.nearest(16), 1);
});

test("log axes take their limits from positive values", () => {
  const series = [new PlotSeries({ label: "a", y: [-5, 0, 10, 1000] })];
  const { x, y } = fullRange(series, rangeOptions({ logx: "1", logy: "1" }));
  assert.deepEqual(x, [1, 3]);
  assert.ok(y[0] > 5 && y[0] <= 10 && y[1] >= 1000);
});

test("windows are a number of points or a span of time", () => {
  assert.deepEqual(parseWindow("1000"), { count: 1000, span: 0 });
  assert.deepEqual(parseWindow("5m"), { count: 0, span: 300000 });
  assert.deepEqual(parseWindow("soon"), { count: 0, span: 0 });
  const x = [0, 1000, 2000, 3000];
  assert.equal(windowStart(x, 4, parseWindow("2")), 2);
  assert.equal(windowStart(x, 4, parseWindow("2s")), 1);
  assert.equal(lowerBound(x, 1500, 0, 4), 2);
});

test("ranges in the address are read only if they are intervals", () => {
  assert.deepEqual(parseRange("1,2"), { x: [1, 2], y: null });
  assert.deepEqual(parseRange("1,2,-3,4"), { x: [1, 2], y: [-3, 4] });
  for (const text of ["", "2,1", "1,2,3", "a,b", undefined]) assert.equal(parseRange(text), null);
});

test("aggregates are over the newest frames alone, and NaN leaves with its frame", () => {
  const frames = new FrameAggregate(2);
  frames.push(Float32Array.of(NaN, 1));
  frames.push(Float32Array.of(2, 3));
  frames.push(Float32Array.of(4, 7));
  assert.deepEqual([...frames.result("mean")], [3, 5]);
  assert.deepEqual([...frames.result("sum")], [6, 10]);
  assert.deepEqual([...frames.result("max")], [4, 7]);
  frames.push(Uint8Array.of(1, 2, 3));
  assert.deepEqual([...frames.result("sum")], [1, 2, 3]);
  assert.deepEqual([...aggregate([Int8Array.of(1, -2), Int8Array.of(3, 4)], "mean")], [2, 1]);
});

test("a grid of a billion rows scrolls by rows with the wheel and reaches both ends", () => {
  const scroll = new GridScroll(26);
  scroll.measure(1e9, 520);
  scroll.toEnd();
  assert.deepEqual(scroll.visible, [1e9 - 20, 1e9]);
  scroll.position = scroll.scrollbar;
  scroll.scrolledTo(scroll.position - 52);
  assert.deepEqual(scroll.visible, [1e9 - 22, 1e9 - 2]);
  scroll.scrolledTo(scroll.height - 520);
  assert.equal(scroll.visible[1], 1e9);
  scroll.scrolledTo(0);
  assert.deepEqual(scroll.visible, [0, 20]);
  scroll.reveal(500000);
  assert.equal(scroll.visible[1], 500001);
});

test("values are written short, exact and unmistakable", () => {
  assert.equal(formatNumber(-3), "−3");
  assert.equal(formatNumber(0.1 + 0.2), "0.3");
  assert.equal(formatNumber(1.5e-9), "1.5e−9");
  assert.equal(formatNumber(1796029734.1234), "1796029734.123");
  assert.equal(formatNumber(6.02214076e23), "6.022141e23");
  assert.equal(formatNumber(2n ** 63n), "9223372036854775808");
  assert.equal(formatInstant(Date.UTC(2026, 0, 2, 3, 4, 5, 6)), "2026-01-02 03:04:05.006");
  assert.equal(formatInstant(Date.UTC(2026, 0, 2)), "2026-01-02");
  assert.equal(formatValue([1, [2, null]]), "[1, [2, ]]");
  assert.equal(formatValue({ a: 1n }), '{"a":"1"}');
  assert.equal(csvField('a "b", c'), '"a ""b"", c"');
  assert.equal(millisecondsOf("[10us]"), 0.01);
  assert.equal(millisecondsOf("[M]"), null);
});
