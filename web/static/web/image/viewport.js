// @ts-check
// Zoom and pan, as arithmetic: where a region of the full array lies on the stage.
// A region is the state; the camera follows from it and from the size of the stage.

/** @typedef {import("./types.js").Region} Region */
/** @typedef {{width: number, height: number}} Size */

/**
 * The point of the array at the middle of the stage, and pixels of the stage per index.
 * @typedef {{cx: number, cy: number, sx: number, sy: number, flipX: boolean, flipY: boolean}} Camera
 */

// Fewer indices than these across the stage are not useful.
const FEWEST = 4;

/** @param {Size} full @returns {Region} */
export function whole(full) {
  return { y0: 0, y1: full.height, x0: 0, x1: full.width };
}

/**
 * Return the camera that shows a region as large as the stage allows.
 * @param {Region} region
 * @param {Size} stage
 * @param {{aspect: "keep" | "free", flipX: boolean, flipY: boolean}} options
 * @returns {Camera}
 */
export function fit(region, stage, { aspect, flipX, flipY }) {
  let sx = Math.max(1, stage.width) / (region.x1 - region.x0);
  let sy = Math.max(1, stage.height) / (region.y1 - region.y0);
  if (aspect === "keep") sx = sy = Math.min(sx, sy);
  const cx = (region.x0 + region.x1) / 2;
  const cy = (region.y0 + region.y1) / 2;
  return { cx, cy, sx, sy, flipX, flipY };
}

/**
 * Return the region that the stage shows, beyond the array where there is room.
 * @param {Camera} camera
 * @param {Size} stage
 * @returns {Region}
 */
export function visible(camera, stage) {
  const w = stage.width / camera.sx / 2;
  const h = stage.height / camera.sy / 2;
  return { y0: camera.cy - h, y1: camera.cy + h, x0: camera.cx - w, x1: camera.cx + w };
}

/**
 * @param {Region} region
 * @param {Size} full
 * @returns {Region}
 */
export function clipped(region, full) {
  return {
    y0: Math.max(0, region.y0),
    y1: Math.min(full.height, region.y1),
    x0: Math.max(0, region.x0),
    x1: Math.min(full.width, region.x1),
  };
}

/**
 * Return the point of the array at a place of the stage.
 * @param {Camera} camera
 * @param {Size} stage
 * @param {number} px
 * @param {number} py
 */
export function toArray(camera, stage, px, py) {
  const dx = (px - stage.width / 2) / camera.sx;
  const dy = (py - stage.height / 2) / camera.sy;
  return {
    x: camera.cx + (camera.flipX ? -dx : dx),
    y: camera.cy + (camera.flipY ? -dy : dy),
  };
}

/**
 * Return the place on the stage of a point of the array.
 * @param {Camera} camera
 * @param {Size} stage
 * @param {number} x
 * @param {number} y
 */
export function toStage(camera, stage, x, y) {
  const dx = (x - camera.cx) * camera.sx;
  const dy = (y - camera.cy) * camera.sy;
  return {
    px: stage.width / 2 + (camera.flipX ? -dx : dx),
    py: stage.height / 2 + (camera.flipY ? -dy : dy),
  };
}

/**
 * Return the camera moved back over the array, at a scale between all of it and a few pixels.
 * @param {Camera} camera
 * @param {Size} stage
 * @param {Size} full
 * @returns {Camera}
 */
export function held(camera, stage, full) {
  const keep = camera.sx === camera.sy;
  const fitX = stage.width / full.width;
  const fitY = stage.height / full.height;
  const least = keep ? Math.min(fitX, fitY) : 0;
  const most = Math.max(Math.max(stage.width, stage.height) / FEWEST, least || fitX, least || fitY);
  const cut = (/** @type {number} */ s, /** @type {number} */ low) => Math.min(most, Math.max(low, s));
  const sx = cut(camera.sx, least || fitX);
  const sy = cut(camera.sy, least || fitY);
  return {
    ...camera,
    sx,
    sy,
    cx: centred(camera.cx, stage.width / sx, full.width),
    cy: centred(camera.cy, stage.height / sy, full.height),
  };
}

/**
 * @param {number} centre
 * @param {number} extent of the array that the stage shows
 * @param {number} full
 */
function centred(centre, extent, full) {
  if (extent >= full * (1 - 1e-9)) return full / 2;
  return Math.min(full - extent / 2, Math.max(extent / 2, centre));
}

/**
 * Return the region after a zoom by `factor` that keeps a point in its place; null for all.
 * @param {Camera} camera
 * @param {Size} stage
 * @param {Size} full
 * @param {number} factor
 * @param {{x: number, y: number}} point
 * @returns {Region | null}
 */
export function zoomed(camera, stage, full, factor, point) {
  const limited = held({ ...camera, sx: camera.sx * factor, sy: camera.sy * factor }, stage, full);
  const kx = camera.sx / limited.sx;
  const ky = camera.sy / limited.sy;
  const cx = point.x + (camera.cx - point.x) * kx;
  const cy = point.y + (camera.cy - point.y) * ky;
  return regionOf({ ...limited, cx, cy }, stage, full);
}

/**
 * Return the region after a move by pixels of the stage; null for all.
 * @param {Camera} camera
 * @param {Size} stage
 * @param {Size} full
 * @param {number} dx
 * @param {number} dy
 * @returns {Region | null}
 */
export function panned(camera, stage, full, dx, dy) {
  const cx = camera.cx - (camera.flipX ? -dx : dx) / camera.sx;
  const cy = camera.cy - (camera.flipY ? -dy : dy) / camera.sy;
  return regionOf({ ...camera, cx, cy }, stage, full);
}

/**
 * @param {Camera} camera
 * @param {Size} stage
 * @param {Size} full
 * @returns {Region | null}
 */
function regionOf(camera, stage, full) {
  const region = clipped(visible(held(camera, stage, full), stage), full);
  const close = (/** @type {number} */ a, /** @type {number} */ b, /** @type {number} */ size) =>
    Math.abs(a - b) < size * 1e-6;
  const all =
    close(region.y0, 0, full.height) &&
    close(region.y1, full.height, full.height) &&
    close(region.x0, 0, full.width) &&
    close(region.x1, full.width, full.width);
  return all ? null : region;
}
