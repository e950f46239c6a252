/** The position of a subscription in its stream. No I/O. */
/** @import { StreamOptions } from "../types.js" */
/**
 * Return where to start as parameters of a request.
 * @param {Pick<StreamOptions, "start" | "startTime" | "epoch">} options
 */
export function startParams({ start, startTime, epoch }: Pick<StreamOptions, "start" | "startTime" | "epoch">): Record<string, unknown>;
/**
 * The last update received, as epoch and sequence number. Within an epoch numbers only rise: one that is
 * not above the last is a repetition.
 */
export class Position {
    /** @param {Record<string, unknown>} start The parameters of the first request. */
    constructor(start?: Record<string, unknown>);
    _start: {
        [x: string]: unknown;
    };
    /** @type {string | null} */
    epoch: string | null;
    /** @type {number | null} */
    last: number | null;
    /** How often the stream was closed after `last`, as far as the subscriber need not know.
     * @type {number | null} */
    _knownEnds: number | null;
    /** True if only updates from now on are wanted. */
    get fromNow(): boolean;
    /**
     * Return the parameters of a request to start, or to resume.
     * @returns {Record<string, unknown>}
     */
    toParams(): Record<string, unknown>;
    /**
     * Record a schema; return whether the numbering restarted.
     * @param {string | null} epoch
     * @param {number | null} sequence The number of the last update so far.
     * @param {number | null} ends How often the stream was closed since: a subscription to new updates can
     *   resume before it received any.
     */
    onSchema(epoch: string | null, sequence: number | null, ends: number | null): boolean;
    /**
     * Record the epoch that the server named; return whether the numbering restarted.
     * @param {string | null} epoch
     */
    setEpoch(epoch: string | null): boolean;
    /**
     * Go to the beginning of an epoch: all that it holds is new.
     * @param {string | null} epoch
     */
    restart(epoch: string | null): void;
    /**
     * Return whether an update is new; if so, it becomes the last one.
     * @param {number} sequence
     */
    accept(sequence: number): boolean;
    /**
     * Skip missing updates; return the range of those not received before, if any.
     * @param {number} from
     * @param {number} to
     * @returns {[number, number] | null}
     */
    skip(from: number, to: number): [number, number] | null;
}
import type { StreamOptions } from "../types.js";
