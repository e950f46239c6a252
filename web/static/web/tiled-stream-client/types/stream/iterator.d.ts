/** Iterate over updates: `for await (const update of node.updates())`. */
/** @import { CloseEvent, SubscribeOptions } from "../types.js" */
/** @import { Subscription } from "./subscription.js" */
/** @import { Update } from "./update.js" */
/** @typedef {{update: Update, taken: () => void}} Waiting */
/**
 * The updates of a subscription. It starts with the first `next()`. An update is handed over when the
 * one before it was; what arrives meanwhile waits in the subscription, which has a bounded buffer.
 * @implements {AsyncIterableIterator<Update>}
 */
export class UpdateIterator implements AsyncIterableIterator<Update> {
    /**
     * @param {(options: SubscribeOptions) => Subscription} subscribe
     * @param {Omit<SubscribeOptions, "onUpdate">} options
     */
    constructor(subscribe: (options: SubscribeOptions) => Subscription, options: Omit<SubscribeOptions, "onUpdate">);
    _subscribe: (options: SubscribeOptions) => Subscription;
    _options: Omit<SubscribeOptions, "onUpdate">;
    /** The subscription, once it was started.
     * @type {Subscription | null} */
    subscription: Subscription | null;
    /** @type {Waiting | null} */
    _waiting: Waiting | null;
    /** @type {CloseEvent | null} */
    _closed: CloseEvent | null;
    /** @type {{resolve: (result: IteratorResult<Update, undefined>) => void,
     *   reject: (error: unknown) => void}[]} */
    _readers: {
        resolve: (result: IteratorResult<Update, undefined>) => void;
        reject: (error: unknown) => void;
    }[];
    _done: boolean;
    /** @returns {Promise<IteratorResult<Update, undefined>>} */
    next(): Promise<IteratorResult<Update, undefined>>;
    /** @returns {Promise<IteratorResult<Update, undefined>>} */
    return(): Promise<IteratorResult<Update, undefined>>;
    _start(): void;
    _serve(): void;
    /** @param {(typeof this._readers)[0]} reader */
    _finish({ resolve, reject }: (typeof this._readers)[0]): void;
    [Symbol.asyncIterator](): this;
}
export type Waiting = {
    update: Update;
    taken: () => void;
};
import type { Update } from "./update.js";
import type { SubscribeOptions } from "../types.js";
import type { Subscription } from "./subscription.js";
import type { CloseEvent } from "../types.js";
