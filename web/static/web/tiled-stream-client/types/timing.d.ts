/**
 * Wait; throws the signal's reason if it is aborted meanwhile.
 * @param {number} milliseconds
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<void>}
 */
export function sleep(milliseconds: number, signal?: AbortSignal | null): Promise<void>;
/** Delays between attempts. */
/** Delays that double from `base` up to `cap` seconds, with up to half of it subtracted at random. */
export class Backoff {
    constructor(base?: number, cap?: number);
    _base: number;
    _cap: number;
    _attempts: number;
    /**
     * Return the milliseconds to wait before the next attempt.
     * @param {number} [atLeast] A lower bound in seconds, as from a `Retry-After` header.
     */
    next(atLeast?: number): number;
    /** Start again with the shortest delay. */
    reset(): void;
}
