// @ts-check
/** Client of tiled-stream for browsers and Node: read nodes, and receive their updates. */

export { Client, connect } from "./client.js";
export * from "./errors.js";
export { TiledNode } from "./node.js";
export { Subscription } from "./stream/subscription.js";
export { Update } from "./stream/update.js";
