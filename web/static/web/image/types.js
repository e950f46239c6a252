// @ts-check
// Types shared by the modules of the image view.

/**
 * @typedef {Uint8Array | Uint8ClampedArray | Int8Array | Uint16Array | Int16Array | Uint32Array |
 *   Int32Array | Float32Array | Float64Array | BigInt64Array | BigUint64Array} Values
 */

/**
 * An image, or the part of one that was read. Kind `c` interleaves real and imaginary parts.
 * @typedef {object} Frame
 * @property {Values} data
 * @property {number} height
 * @property {number} width
 * @property {1 | 3 | 4} channels
 * @property {"u" | "i" | "f" | "c" | "b"} kind
 * @property {number} y0 index of the first row in the full array
 * @property {number} x0 index of the first column in the full array
 * @property {number} dy rows of the full array per pixel
 * @property {number} dx columns of the full array per pixel
 * @property {number} fullHeight
 * @property {number} fullWidth
 * @property {number | null} [time] milliseconds since 1970
 * @property {Uint8Array | null} [mask] not zero where a pixel is masked
 */

/**
 * Settings as they are in the address; missing keys mean defaults.
 * @typedef {Record<string, string | number | boolean | null | undefined>} View
 */

/** @typedef {{y0: number, y1: number, x0: number, x1: number}} Region in indices of the full array */

/** @typedef {"amplitude" | "phase" | "real" | "imaginary"} Part */
/** @typedef {"linear" | "log" | "sqrt" | "symlog" | "gamma"} Scale */

/**
 * @typedef {object} Settings
 * @property {string} map
 * @property {boolean} invert
 * @property {Scale} scale
 * @property {number} gamma
 * @property {"" | "auto" | "minmax" | "range" | "frozen" | "typed"} mode of the limits: "" is "range" for
 *   colours and "auto" for other images
 * @property {Limits | null} typed
 * @property {"keep" | "free"} aspect
 * @property {boolean} flipX
 * @property {boolean} flipY
 * @property {Region | null} zoom
 * @property {boolean} profiles
 * @property {Part} part
 * @property {Region[]} rois
 * @property {string} nan
 * @property {string} below "" for the lower end of the map
 * @property {string} above "" for the upper end of the map
 * @property {string} masked
 * @property {string} mask values that are masked: "", "max", or numbers separated by ";"
 */

/** @typedef {{lo: number, hi: number}} Limits */

/** @typedef {[number, number, number, number]} Colour red, green, blue, alpha: 0 to 255 */

/**
 * From device pixels of the canvas to pixels of the frame: column = floor(ax * px + bx).
 * @typedef {{ax: number, bx: number, ay: number, by: number}} Transform
 */

/**
 * @typedef {object} Drawing
 * @property {Transform} transform
 * @property {Limits} limits
 * @property {Scale} scale
 * @property {number} gamma
 * @property {number} linear width of the linear part of symlog
 * @property {Uint8Array} table 256 colours of 4 bytes
 * @property {Colour} nan
 * @property {Colour} below
 * @property {Colour} above
 * @property {Colour} masked
 * @property {number[]} maskValues
 * @property {Part} part
 */

/**
 * @typedef {object} Renderer
 * @property {string} name
 * @property {HTMLCanvasElement} canvas
 * @property {number} maxSize largest height or width of a frame
 * @property {(width: number, height: number) => void} resize
 * @property {(frame: Frame) => void} upload
 * @property {(drawing: Drawing) => void} draw
 * @property {() => void} finish wait until the drawing is done
 * @property {() => void} dispose
 */

export {};
