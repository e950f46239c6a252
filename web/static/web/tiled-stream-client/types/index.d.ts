export * from "./errors.js";
export { TiledNode } from "./node.js";
export { Subscription } from "./stream/subscription.js";
export { Update } from "./stream/update.js";
export { Client, connect } from "./client.js";
