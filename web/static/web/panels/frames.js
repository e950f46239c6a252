// @ts-check
// Translate the visible region of an array into a request, and the response into a frame.
//
// Arrays here have leading axes (time, position), then rows and columns, then perhaps the channels
// of a colour. Indices of rows and columns are those of the stored array.

const COLOUR_AXIS = /^(c|rgb|colou?r|channel|band)/i;
const LEAST_SIDE = 16;

/**
 * @typedef {object} Layout
 * @property {number[]} lead  sizes of the leading axes
 * @property {number} height
 * @property {number} width
 * @property {1 | 3 | 4} channels
 */
/** @typedef {{y0: number, y1: number, x0: number, x1: number}} Region */
/** @typedef {{slice: string | undefined, reduce: string | undefined, factor: number, region: Region}} Request */

/**
 * Return the meaning of an array's axes.
 * @param {any} structure
 * @param {string} [colour]  "on" or "off" if a user has chosen whether the last axis has colours
 * @returns {Layout}
 */
export function layoutOf(structure, colour = "") {
  const { shape } = structure;
  const last = shape.at(-1);
  const rgb = mayBeColour(structure) && (colour === "on" || (colour !== "off" && isLikelyColour(structure)));
  const spatial = rgb ? shape.slice(0, -1) : shape;
  return {
    lead: spatial.slice(0, -2),
    height: spatial.at(-2),
    width: spatial.at(-1),
    channels: rgb ? last : 1,
  };
}

/** Return whether an array can be shown as colours. @param {any} structure */
export function mayBeColour({ shape, data_type: type }) {
  return shape.length >= 3 && [3, 4].includes(shape.at(-1)) && "uif".includes(type.kind);
}

/**
 * Return whether the last axis has colours: by its name, else for bytes, and for 16 bits of an image
 * that is large enough not to be a table of numbers.
 * @param {any} structure
 */
function isLikelyColour({ shape, dims, data_type: type }) {
  if (dims?.at(-1)) return COLOUR_AXIS.test(dims.at(-1));
  if (type.kind !== "u") return false;
  return type.itemsize === 1 || (type.itemsize === 2 && Math.min(shape.at(-2), shape.at(-3)) >= LEAST_SIDE);
}

/**
 * Return what to request for a region on a canvas, so that no more is sent than it has pixels.
 * @param {Layout} layout
 * @param {Region | null} visible  null: all
 * @param {{height: number, width: number}} canvas  in device pixels
 * @param {string} method  "mean", "max", "min", "sum", or "stride" for single elements
 * @param {number[] | null} index  along the leading axes; null: all
 * @returns {Request}
 */
export function requestFor(layout, visible, canvas, method, index) {
  const { height, width, channels } = layout;
  const all = { y0: 0, y1: height, x0: 0, x1: width };
  const wanted = clip(visible ?? all, all);
  // Never more elements than the canvas has pixels in total: an image seldom has its shape.
  const elements = (wanted.y1 - wanted.y0) * (wanted.x1 - wanted.x0);
  const pixels = Math.max(1, canvas.height * canvas.width);
  const factor = Math.max(1, Math.ceil(Math.sqrt(elements / pixels)));
  const region = clip(
    {
      y0: Math.floor(wanted.y0 / factor) * factor,
      y1: Math.ceil(wanted.y1 / factor) * factor,
      x0: Math.floor(wanted.x0 / factor) * factor,
      x1: Math.ceil(wanted.x1 / factor) * factor,
    },
    all,
  );
  const strided = factor > 1 && (method === "stride" || channels > 1);
  const step = strided ? factor : 1;
  const parts = [
    ...(index ? index.map(String) : layout.lead.map(() => ":")),
    // Rows may still be added: a range that reaches the end is left open.
    axis(region.y0, region.y1, height, step),
    axis(region.x0, region.x1, width, step),
  ];
  const plain = parts.every((part) => part === ":");
  return {
    slice: plain ? undefined : parts.join(","),
    reduce: factor > 1 && !strided ? `${method}:${factor},${factor}` : undefined,
    factor,
    region,
  };
}

/** @param {number} start @param {number} stop @param {number} size @param {number} step */
function axis(start, stop, size, step) {
  const range = start === 0 && stop >= size ? ":" : `${start}:${stop}`;
  return step === 1 ? range : `${range === ":" ? ":" : range}:${step}`;
}

/** @param {Region} region @param {Region} bounds @returns {Region} */
function clip(region, bounds) {
  const y0 = Math.min(Math.max(0, Math.floor(region.y0)), Math.max(0, bounds.y1 - 1));
  const x0 = Math.min(Math.max(0, Math.floor(region.x0)), Math.max(0, bounds.x1 - 1));
  return {
    y0,
    x0,
    y1: Math.max(y0 + 1, Math.min(bounds.y1, Math.ceil(region.y1))),
    x1: Math.max(x0 + 1, Math.min(bounds.x1, Math.ceil(region.x1))),
  };
}

/**
 * Return the last image of an array as a frame for the image view.
 * @param {any} array  of the client: `{dtype, shape, data}`
 * @param {Layout} layout
 * @param {Request} request
 * @param {number | null} time  when it was written, in milliseconds since 1970
 */
export function frameOf(array, layout, request, time) {
  const { channels } = layout;
  const spatial = channels > 1 ? array.shape.slice(0, -1) : array.shape;
  const [height, width] = spatial.slice(-2);
  const complex = array.dtype.kind === "c";
  const size = height * width * channels * (complex ? 2 : 1);
  const count = array.data.length / size;
  return {
    data: count > 1 ? array.data.subarray((count - 1) * size) : array.data,
    height,
    width,
    channels,
    kind: array.dtype.kind,
    y0: request.region.y0,
    x0: request.region.x0,
    dy: request.factor,
    dx: request.factor,
    fullHeight: layout.height,
    fullWidth: layout.width,
    time,
  };
}

/**
 * Return whether an update has whole images, so that it can be drawn without previous data.
 * @param {any} update
 * @param {Layout} layout
 * @param {Request} request
 */
export function isWhole(update, layout, request) {
  if (update.uri && !update.payload && !update.message.patch) return true;
  const axes = layout.channels > 1 ? 3 : 2;
  const shape = update.shape.slice(-axes);
  const offset = update.offset ? update.offset.slice(-axes) : [0, 0];
  const { region, factor } = request;
  const height = Math.ceil((region.y1 - region.y0) / factor);
  const width = Math.ceil((region.x1 - region.x0) / factor);
  return !update.block && offset.every((/** @type {number} */ n) => n === 0) && shape[0] >= height && shape[1] >= width;
}

/**
 * Return the sizes of the leading axes after an update.
 * @param {any} update
 * @param {number[]} lead
 */
export function leadAfter(update, lead) {
  if (!update.shape || update.shape.length < lead.length) return lead;
  return lead.map((size, i) => {
    const end = (update.offset?.[i] ?? 0) + update.shape[i];
    return update.offset ? Math.max(size, end) : update.block ? size : end;
  });
}

/**
 * Return the index of an update's last image along the leading axes.
 * @param {any} update
 * @param {number[]} lead
 */
export function lastIndex(update, lead) {
  return lead.map((_, i) => (update.offset?.[i] ?? 0) + update.shape[i] - 1);
}
