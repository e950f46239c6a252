/**
 * An estimate of how far the clock of this machine is off. A response was on its way for at most the
 * round trip, so that the error is at most half of that: of the newest samples, the one with the
 * shortest round trip counts.
 */
export class ServerClock {
    /**
     * Milliseconds that the server's clock is ahead of this machine's; null if it is not known.
     * @returns {number | null}
     */
    get offset(): number | null;
    /**
     * Add a response.
     * @param {number} time The time in it, in milliseconds since 1970.
     * @param {number} roundTrip Milliseconds from the request to the response.
     * @param {number} [now] The time at which it was received, by this machine's clock.
     */
    add(time: number, roundTrip: number, now?: number): void;
    #private;
}
