// Arrays as they were after earlier updates, from the writes that a stream retains.
import assert from "node:assert/strict";
import { test } from "node:test";
import { lineAt } from "../../../web/static/web/panels/line-at.js";

const write = (sequence, start, ...values) => ({ sequence, start, values: Float64Array.from(values) });

test("each write is undone where all are retained", () => {
  const writes = [write(1, null, 1, 2), write(2, 2, 3), write(3, 0, 9), write(4, null, 7), write(5, 1, 8)];
  const states = [[1, 2], [1, 2, 3], [9, 2, 3], [7], [7, 8]];
  states.forEach((state, i) => assert.deepEqual([...lineAt(writes, i + 1, Float64Array.of(7, 8))], state));
});

test("appended parts are taken away, and the rest is what is stored", () => {
  const newest = Float64Array.of(1, 2, 3, 4, 5, 6);
  const writes = [write(7, 3, 4), write(8, 4, 5), write(9, 5, 6)];
  assert.deepEqual([...lineAt(writes, 7, newest)], [1, 2, 3, 4]);
  assert.deepEqual([...lineAt(writes, 9, newest)], [...newest]);
});

test("a write inside is no end of the array, and what it has overwritten is unknown", () => {
  const newest = Float64Array.of(1, 8, 3, 4, 5, 6);
  const writes = [write(7, 2, 3), write(8, 1, 8), write(9, 5, 6)];
  assert.deepEqual([...lineAt(writes, 7, newest)], [1, NaN, 3, 4, 5]);
  assert.deepEqual([...lineAt(writes, 8, newest)], [1, 8, 3, 4, 5]);
});

test("before the array was replaced, only what is retained is known", () => {
  const writes = [write(7, 2, 3), write(8, null, 1, 1)];
  assert.deepEqual([...lineAt(writes, 7, Float64Array.of(1, 1))], [NaN, NaN, 3]);
});
