// @ts-check
// Types of the messages between a kernel and the widget; Python's are in tiled_client/live/notebook.

/**
 * What a widget of anywidget has of its model.
 * @typedef {object} Model
 * @property {(name: string) => any} get
 * @property {(event: string, callback: (...args: any[]) => void) => void} on
 * @property {(event: string, callback: (...args: any[]) => void) => void} off
 * @property {(content: object) => void} send
 */

/**
 * @typedef {object} Status
 * @property {"connecting" | "live" | "reconnecting" | "ended"} state
 * @property {string} text
 */

/** A column: the dtype of numpy of a buffer of numbers, "text" for JSON. @typedef {{name: string, type: string}} Column */

/**
 * New content, with a buffer for the pixels or for each column.
 * @typedef {{type: "image", id: number, status: Status, frame: any}} ImageMessage
 * @typedef {{type: "lines", id: number, status: Status, generation: number, start: number, xLabel: string,
 *   time: boolean, hasX: boolean, limit: number, columns: Column[]}} LinesMessage
 * @typedef {{type: "rows", id: number, status: Status, start: number, columns: Column[]}} RowsMessage
 * @typedef {{type: "status", status: Status}} StatusMessage
 * @typedef {ImageMessage | LinesMessage | RowsMessage | StatusMessage} Message
 */

export {};
