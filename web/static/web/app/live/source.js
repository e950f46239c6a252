// @ts-check
// The stream of one node for a view: the newest update, counts, pause and seek.
//
// States and transitions:
//   connecting    schema: live; refused by the server: refused
//   live          connection lost: reconnecting; pause: paused; end of stream: ended
//   reconnecting  schema: live
//   paused        resume: live (or ended, if the stream ended meanwhile); seek shows another update
//   ended         schema of a stream that continues: live
//   refused       final
// A pause keeps the subscription: head and counts are updated, but the same update stays visible.
import { Rate } from "./rates.js";
import { RecentUpdates } from "./recent.js";

const RECENT_BYTES = 64e6;
// If a seek finds nothing within this time, no update is retained there.
const SEEK_MS = 20000;
// HTTP status and WebSocket close codes of credentials that are no longer valid.
const UNAUTHORIZED = [401, 4001, 4003];

/**
 * @typedef {object} LiveStatus
 * @property {"connecting"|"live"|"reconnecting"|"paused"|"ended"|"refused"} state
 * @property {string} error
 * @property {boolean} loggedOut  the session or key ended
 * @property {any} update  the update to show
 * @property {number | null} sequence  of the update shown
 * @property {number | null} head  the newest number of the stream
 * @property {number | null} oldest  the oldest number retained, if a seek has found it
 * @property {number} received  updates per second
 * @property {number} drawn  updates per second
 * @property {number | null} age  seconds between the numbering of the update and its drawing
 * @property {number} skipped
 * @property {number} gaps
 * @property {number} resets
 */

// A tab in the background has no frames of the screen, but its counts are updated.
const NO_FRAME_MS = 1000;

export class LiveSource {
  /** @type {(() => void)} */
  onChange = () => {};
  /** @type {((update: any) => void)} every update in order, not only those shown */
  onUpdate = () => {};
  /** @type {((reason: "gap" | "reset") => void)} updates are missing: read the stored data again */
  onHole = () => {};
  /** @type {((update: any) => void)} another update is to be shown */
  onShow = () => {};

  #node;
  #options;
  #received = new Rate();
  #drawn = new Rate();
  #recent = new RecentUpdates(RECENT_BYTES);
  /** @type {any} */ #subscription = null;
  /** @type {any} */ #newest = null;
  /** @type {any} */ #shown = null;
  /** @type {AbortController | null} */ #seeking = null;
  #paused = false;
  #ended = false;
  #connected = false;
  #started = false;
  #error = "";
  #loggedOut = false;
  /** @type {number | null} */ #head = null;
  /** @type {number | null} */ #oldest = null;
  /** The newest update that was drawn, and when. @type {{timestamp: number, at: number} | null} */ #drew = null;
  #skipped = 0;
  #gaps = 0;
  #resets = 0;

  /**
   * @param {any} node  of the client
   * @param {Record<string, any>} options  of its `subscribe`
   */
  constructor(node, options) {
    this.#node = node;
    this.#options = options;
  }

  start() {
    this.#subscription = this.#node.subscribe({
      ...this.#options,
      onSchema: (/** @type {any} */ schema) => this.#onSchema(schema),
      onUpdate: (/** @type {any} */ update) => {
        this.#onUpdate(update);
        return this.#options.policy === "latest" ? nextFrame() : undefined;
      },
      onHeartbeat: (/** @type {any} */ beat) => this.#onHeartbeat(beat),
      onGap: (/** @type {any} */ gap) => this.#onGap(gap),
      onReset: (/** @type {any} */ reset) => this.#onReset(reset),
      onClose: (/** @type {any} */ close) => this.#onClose(close),
      // The client reconnects by itself; `setConnected` reports its state.
      onError: () => {},
    });
  }

  close() {
    this.#seeking?.abort();
    this.#subscription?.close();
    this.#subscription = null;
  }

  /** Set whether the client is connected. @param {boolean} connected */
  setConnected(connected) {
    this.#set(() => (this.#connected = connected));
  }

  pause() {
    this.#set(() => (this.#paused = true));
  }

  resume() {
    this.#seeking?.abort();
    this.#set(() => {
      this.#paused = false;
      this.#show(this.#newest);
    });
  }

  /** Pause, and show the update `count` numbers later (earlier, if negative). @param {number} count */
  step(count) {
    const from = this.#shown?.sequence ?? this.#head;
    return from === null || from === undefined ? Promise.resolve() : this.seek(from + count);
  }

  /**
   * Pause, and show the update with this number, or the next one that is retained.
   * @param {number} sequence
   */
  async seek(sequence) {
    const wanted = Math.max(1, Math.min(sequence, this.#head ?? sequence));
    this.#paused = true;
    this.#seeking?.abort();
    const known = this.#recent.get(wanted);
    if (known) {
      this.#set(() => this.#show(known));
      return;
    }
    const abort = (this.#seeking = new AbortController());
    const update = await this.#fetch(wanted, abort);
    if (abort.signal.aborted && update === null) return;
    this.#set(() => {
      if (update === null) return;
      if (update.sequence > wanted) this.#oldest = update.sequence;
      this.#show(update);
    });
  }

  /**
   * Record that an update was drawn. The event is for programs that measure the page.
   * @param {any} update
   */
  markDrawn(update) {
    this.#drawn.mark();
    const { path, sequence, timestamp } = update;
    window.dispatchEvent(new CustomEvent("tiled-drawn", { detail: { path, sequence, timestamp } }));
    if (!this.#paused) this.#drew = { timestamp, at: Date.now() };
  }

  /** Times of updates are of the server's clock, from which the viewer's may be off. */
  get #age() {
    if (!this.#drew) return null;
    const { timestamp, at } = this.#drew;
    return Math.max(0, (at + (this.#node.client.clockOffset ?? 0) - timestamp) / 1000);
  }

  /** @returns {LiveStatus} */
  get status() {
    return {
      state: this.#state,
      error: this.#error,
      loggedOut: this.#loggedOut,
      update: this.#shown,
      sequence: this.#shown?.sequence ?? null,
      head: this.#head,
      oldest: this.#oldest,
      received: this.#received.value(),
      drawn: this.#drawn.value(),
      age: this.#age,
      skipped: this.#skipped,
      gaps: this.#gaps,
      resets: this.#resets,
    };
  }

  /** @returns {LiveStatus["state"]} */
  get #state() {
    if (this.#error) return "refused";
    if (this.#paused) return "paused";
    if (this.#ended) return "ended";
    if (!this.#started) return "connecting";
    return this.#connected ? "live" : "reconnecting";
  }

  /** @param {any} update */
  #show(update) {
    this.#shown = update;
    if (update) this.onShow(update);
  }

  /** @param {() => void} change */
  #set(change) {
    change();
    this.onChange();
  }

  /** @param {any} schema */
  #onSchema(schema) {
    this.#set(() => {
      this.#started = true;
      this.#connected = true;
      this.#ended = false;
      this.#head = Math.max(this.#head ?? 0, schema.sequence ?? 0);
    });
  }

  /** @param {any} close */
  #onClose(close) {
    this.#set(() => {
      if (close.ended) this.#ended = true;
      else if (close.error) {
        this.#error = close.error.detail ?? close.reason;
        this.#loggedOut = UNAUTHORIZED.includes(close.error.status);
      }
    });
  }

  /** @param {any} update */
  #onUpdate(update) {
    this.#received.mark();
    this.#recent.add(update);
    this.#newest = update;
    this.#ended = false;
    this.#head = Math.max(this.#head ?? 0, update.sequence);
    this.onUpdate(update);
    if (!this.#paused) this.#show(update);
    this.onChange();
  }

  /** @param {any} beat */
  #onHeartbeat(beat) {
    this.#set(() => (this.#head = Math.max(this.#head ?? 0, beat.sequence ?? 0)));
  }

  /** @param {any} gap */
  #onGap(gap) {
    const count = gap.to - gap.from + 1;
    if (gap.reason === "skipped") this.#skipped += count;
    else this.#gaps += 1;
    this.#head = Math.max(this.#head ?? 0, gap.to);
    this.onHole("gap");
    this.onChange();
  }

  /** @param {any} reset */
  #onReset(reset) {
    this.#resets += 1;
    this.#head = reset.sequence ?? 0;
    this.#oldest = null;
    this.#recent.clear();
    this.onHole("reset");
    this.onChange();
  }

  /**
   * Return the first update retained from `sequence` on; null if there is none.
   * @param {number} sequence
   * @param {AbortController} abort
   * @returns {Promise<any>}
   */
  #fetch(sequence, abort) {
    return new Promise((resolve) => {
      const { slice, reduce, columns } = this.#options;
      /** @param {any} update */
      const finish = (update) => {
        window.clearTimeout(timer);
        // Resolve before the abort, which resolves to null.
        resolve(update);
        abort.abort();
      };
      const timer = window.setTimeout(() => finish(null), SEEK_MS);
      this.#node.subscribe({
        start: sequence,
        policy: "block",
        slice,
        reduce,
        columns,
        signal: abort.signal,
        onUpdate: finish,
        onError: () => {},
        onClose: () => finish(null),
      });
      abort.signal.addEventListener("abort", () => resolve(null));
    });
  }
}

/** Wait until what was received can be on the screen: the server sends no more than that. */
function nextFrame() {
  return new Promise((resolve) => {
    const timer = window.setTimeout(resolve, NO_FRAME_MS);
    requestAnimationFrame(() => {
      window.clearTimeout(timer);
      resolve(undefined);
    });
  });
}
