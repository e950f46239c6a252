// @ts-check
// Elements of a sparse array as an image of bounded size.

const MAX_SIDE = 2048;

/**
 * Return the frame of a two-dimensional sparse array: each pixel is the sum of the elements in it.
 * @param {{shape: number[], coords: ArrayLike<number | bigint>[], data: ArrayLike<any>}} sparse
 * @param {number | null} time
 */
export function denseFrame({ shape, coords, data }, time) {
  const [height, width] = shape;
  const dy = Math.max(1, Math.ceil(height / MAX_SIDE));
  const dx = Math.max(1, Math.ceil(width / MAX_SIDE));
  const rows = Math.ceil(height / dy);
  const columns = Math.ceil(width / dx);
  const pixels = new Float32Array(rows * columns);
  const [ys, xs] = coords;
  for (let i = 0; i < data.length; i += 1) {
    pixels[Math.floor(Number(ys[i]) / dy) * columns + Math.floor(Number(xs[i]) / dx)] += Number(data[i]);
  }
  return {
    data: pixels, height: rows, width: columns, channels: 1, kind: "f", y0: 0, x0: 0, dy, dx,
    fullHeight: height, fullWidth: width, time,
  };
}
