// @ts-check
/** The streams that one subscription follows: its node's, and with `recursive` all below it. No I/O. */

import { NodeFeed } from "./feed.js";
import { Position } from "./position.js";

/** @import { FeedEvent, Message } from "./feed.js" */

/** Updates and streams have timestamps of different clocks, which may differ by this much. */
const MAX_CLOCK_SKEW = 2000;

/** Feeds by the paths of their nodes. */
export class Feeds {
  /**
   * @param {string} path
   * @param {Record<string, unknown>} start The parameters of the first request.
   * @param {{recursive: boolean, lossy: boolean}} options
   */
  constructor(path, start, { recursive, lossy }) {
    this.path = path;
    this._recursive = recursive;
    this._lossy = lossy;
    /** Whether a schema was received. */
    this.accepted = false;
    /** Nodes known to be younger than the subscription.
     * @type {Set<string>} */
    this._created = new Set();
    const position = new Position(start);
    this._fromNow = position.fromNow;
    this.root = new NodeFeed(path, position, { lossy });
    /** @type {Map<string, NodeFeed>} */
    this._feeds = new Map([[path, this.root]]);
  }

  /** Count of new events received. */
  get eventCount() {
    let count = 0;
    for (const feed of this._feeds.values()) count += feed.eventCount;
    return count;
  }

  /**
   * Return the parameters of a request to start, or to resume.
   * @returns {Record<string, unknown>}
   */
  toParams() {
    if (!this._recursive) return this.root.position.toParams();
    return { ...this._commonPosition(), recursive: true };
  }

  /** Begin a connection. */
  onConnected() {
    for (const feed of this._feeds.values()) feed.onConnected();
  }

  /**
   * Turn a message about the node at `path` into events.
   * @param {string} path
   * @param {Message} message
   * @returns {FeedEvent[]}
   */
  receive(path, message) {
    const events = this._feed(path).receive(message);
    this.accepted ||= events.some(({ kind }) => kind === "schema");
    if (this._recursive) {
      for (const event of events) {
        if (event.kind === "update") this._expectChild(path, event.message);
      }
    }
    return events;
  }

  /**
   * Forget a node that is gone.
   * @param {string} path
   */
  remove(path) {
    this._feeds.delete(path);
  }

  /** @param {string} path */
  _feed(path) {
    let feed = this._feeds.get(path);
    if (!feed) {
      const fromNow = this._fromNow && !this._created.has(path);
      feed = new NodeFeed(path, new Position({ start: 0 }), { lossy: this._lossy, fromNow });
      this._feeds.set(path, feed);
    }
    return feed;
  }

  /**
   * @param {string} parent
   * @param {Message} message
   */
  _expectChild(parent, message) {
    if (message.type !== "container-child-created") return;
    const path = parent ? `${parent}/${message.key}` : message.key;
    this._created.add(path);
    const feed = this._feed(path);
    feed.fromNow = false;
    feed.completeAt ??= this._feed(parent).completeAt;
  }

  /**
   * Return the position of all feeds in one: the time since which updates may be missing. Updates that
   * are repeated thereby are dropped by the position of each feed.
   * @returns {Record<string, unknown>}
   */
  _commonPosition() {
    if (!this.accepted) {
      const { epoch, end, ...start } = this.root.position.toParams();
      return start;
    }
    const times = [...this._feeds.values()].map((feed) => feed.completeAt ?? NaN);
    const first = Math.min(...times) - MAX_CLOCK_SKEW;
    if (!Number.isNaN(first)) return { start_time: new Date(first).toISOString() };
    for (const feed of this._feeds.values()) feed.skipBacklog();
    return { start: 0 };
  }
}
