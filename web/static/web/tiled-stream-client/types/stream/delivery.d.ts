/** Hand events to callbacks, in order, and no faster than these take them. */
/**
 * @template {{kind: string}} Event
 * @typedef {object} DeliveryOptions
 * @property {(event: Event) => unknown} handle Called with each event; while a promise that it returned
 *   is pending, what follows waits.
 * @property {(queued: Event[], event: Event) => boolean} [merge] Merge an event into those that wait;
 *   returns whether it did.
 * @property {(event: Event) => unknown} [onHandled] Called after the promise of `handle`.
 * @property {(error: unknown) => void} onError Called with what `handle` threw.
 * @property {number} limit Bytes that may wait.
 * @property {() => void} onFull
 * @property {() => void} onDrained
 */
/**
 * A queue in front of callbacks.
 * @template {{kind: string, size: number}} Event
 */
export class Delivery<Event extends {
    kind: string;
    size: number;
}> {
    /** @param {DeliveryOptions<Event>} options */
    constructor(options: DeliveryOptions<Event>);
    _options: DeliveryOptions<Event>;
    /** @type {Event[]} */
    _queue: Event[];
    _bytes: number;
    _busy: boolean;
    _full: boolean;
    /**
     * Deliver an event: at once if nothing waits.
     * @param {Event} event
     */
    push(event: Event): void;
    /** Drop what waits. */
    clear(): void;
    /** @param {Event} event */
    _run(event: Event): void;
    _drain(): void;
}
export type DeliveryOptions<Event extends {
    kind: string;
}> = {
    /**
     * Called with each event; while a promise that it returned
     * is pending, what follows waits.
     */
    handle: (event: Event) => unknown;
    /**
     * Merge an event into those that wait;
     * returns whether it did.
     */
    merge?: ((queued: Event[], event: Event) => boolean) | undefined;
    /**
     * Called after the promise of `handle`.
     */
    onHandled?: ((event: Event) => unknown) | undefined;
    /**
     * Called with what `handle` threw.
     */
    onError: (error: unknown) => void;
    /**
     * Bytes that may wait.
     */
    limit: number;
    onFull: () => void;
    onDrained: () => void;
};
