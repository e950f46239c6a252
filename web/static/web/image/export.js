// @ts-check
// Files of what is shown: a picture with its colour bar, and values as CSV.
import { axisOf, paintColours, paintTicks } from "./axis.js";
import { isBig, pixelsOf, reader } from "./frame.js";
import { colour } from "./hooks.js";

/**
 * @typedef {import("./display.js").Display} Display
 * @typedef {import("./types.js").Frame} Frame
 * @typedef {import("./types.js").Part} Part
 * @typedef {import("./types.js").Region} Region
 */

const MARGIN = 12;
const BAR = 12;
const FOOT = 62;

/**
 * Return the values of the frame in a region, a line per row; both headings are indices of the full
 * array. Of complex values it is the part that is shown; colours have a column per channel.
 * @param {Frame} frame
 * @param {Part} part
 * @param {Region} region
 * @returns {string}
 */
export function csv(frame, part, region) {
  const { y0, y1, x0, x1 } = pixelsOf(frame, region);
  const n = frame.channels;
  const names = n === 1 ? [""] : [" red", " green", " blue", " alpha"].slice(0, n);
  const columns = Array.from({ length: x1 - x0 }, (_, i) => frame.x0 + (x0 + i) * frame.dx);
  const lines = [["y\\x", ...columns.flatMap((x) => names.map((name) => `${x}${name}`))].join(",")];
  const read = reader(frame, part);
  const exact = n > 1 || isBig(frame.data);
  for (let y = y0; y < y1; y++) {
    /** @type {(string | number | bigint)[]} */
    const line = [frame.y0 + y * frame.dy];
    for (let i = y * frame.width + x0, end = i + x1 - x0; i < end; i++) {
      for (let c = 0; c < n; c++) line.push(exact ? frame.data[n * i + c] : read(i));
    }
    lines.push(line.join(","));
  }
  return `${lines.join("\n")}\n`;
}

/**
 * Return what is shown as a canvas: image, regions, and colour bar with ticks.
 * @param {Display} display
 * @param {HTMLElement} element whose colours are used
 * @param {string} label
 * @returns {HTMLCanvasElement}
 */
export function picture(display, element, label) {
  const { density, stage } = display.zoom;
  const canvas = document.createElement("canvas");
  const colours = (display.frame?.channels ?? 1) === 1;
  const width = stage.width + 2 * MARGIN;
  const height = stage.height + 2 * MARGIN + 22 + (colours ? FOOT - 22 : 0);
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(density, density);
  context.fillStyle = colour(element, "--surface");
  context.fillRect(0, 0, width, height);
  context.fillStyle = colour(element, "--text");
  context.font = "13px system-ui, sans-serif";
  context.textBaseline = "top";
  context.fillText(title(display, label), MARGIN, MARGIN, stage.width);
  // The drawing of WebGL can be copied before the browser shows it, and not after.
  display.passNow();
  const image = display.surface?.renderer.canvas;
  if (image) context.drawImage(image, MARGIN, MARGIN + 22, stage.width, stage.height);
  outline(context, display, element);
  if (colours) {
    const axis = axisOf(display);
    const y = MARGIN + 22 + stage.height + 8;
    paintColours(context, { x: MARGIN, y, width: stage.width, height: BAR }, display, axis);
    paintTicks(context, { x: MARGIN, y: y + BAR, width: stage.width }, axis, colour(element, "--muted"));
  }
  return canvas;
}

/** @param {Display} display @param {string} label */
function title({ frame }, label) {
  const time = frame?.time ? new Date(frame.time).toISOString() : "";
  return [label, time].filter(Boolean).join("  ·  ");
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Display} display
 * @param {HTMLElement} element
 */
function outline(context, display, element) {
  const { zoom } = display;
  context.save();
  context.translate(MARGIN, MARGIN + 22);
  context.beginPath();
  context.rect(0, 0, zoom.stage.width, zoom.stage.height);
  context.clip();
  display.rois.forEach((one, i) => {
    const a = zoom.toStage(one.x0, one.y0);
    const b = zoom.toStage(one.x1, one.y1);
    context.strokeStyle = colour(element, `--plot-${i + 1}`);
    context.lineWidth = 1.5;
    context.strokeRect(Math.min(a.px, b.px), Math.min(a.py, b.py), Math.abs(a.px - b.px), Math.abs(a.py - b.py));
  });
  context.restore();
}

/**
 * Offer a blob as a file.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download begins after this task.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** @param {string} label @param {string} ending */
export function fileName(label, ending) {
  const name = label.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|-+$/g, "");
  return `${name || "image"}.${ending}`;
}

/**
 * @param {Display} display
 * @param {HTMLElement} element
 * @param {string} label
 */
export function savePicture(display, element, label) {
  picture(display, element, label).toBlob((blob) => blob && save(blob, fileName(label, "png")));
}

/**
 * @param {Display} display
 * @param {string} label
 * @param {Region} region
 */
export function saveValues(display, label, region) {
  if (!display.frame) return;
  const text = csv(display.frame, display.settings.part, region);
  save(new Blob([text], { type: "text/csv" }), fileName(label, "csv"));
}
