/**
 * Return the WebSocket class of the platform, or that of the package `ws`.
 * @param {any} [given]
 * @returns {Promise<typeof WebSocket>}
 */
export function webSocketClass(given?: any): Promise<typeof WebSocket>;
/**
 * @typedef {object} SocketOptions
 * @property {typeof WebSocket} WebSocket
 * @property {string | null} auth The first message, if there is one to send.
 * @property {() => void} onOpen
 * @property {(frame: unknown, size: number) => void} onFrame May throw what makes the socket useless.
 * @property {number} connectTimeout Seconds.
 * @property {number} idleBeforePing Seconds.
 */
/** A WebSocket, from its opening to its end. */
export class Socket {
    /**
     * @param {string} url
     * @param {SocketOptions} options
     */
    constructor(url: string, options: SocketOptions);
    _options: SocketOptions;
    opened: boolean;
    _lastFrame: number;
    _probed: boolean;
    /** @type {WebSocket} */
    _socket: WebSocket;
    /** Resolves with why the socket closed; null if `close` was called.
     * @type {Promise<Error | null>} */
    done: Promise<Error | null>;
    /** @type {((failure: Error | null) => void) | undefined} */
    _resolve: ((failure: Error | null) => void) | undefined;
    /**
     * Send a message; none while the socket closes, which `done` tells in its turn.
     * @param {string} text
     */
    send(text: string): void;
    /** Close the socket. */
    close(): void;
    /**
     * Close the socket as it is of no use any more.
     * @param {Error} error
     */
    fail(error: Error): void;
    _listen(): void;
    _timer: NodeJS.Timeout | undefined;
    _onOpen(): void;
    _watch: NodeJS.Timeout | undefined;
    /** @param {ArrayBuffer | string} data */
    _onMessage(data: ArrayBuffer | string): void;
    _checkAlive(): void;
    /** @param {Error | null} error */
    _finish(error: Error | null): void;
}
export type SocketOptions = {
    WebSocket: typeof WebSocket;
    /**
     * The first message, if there is one to send.
     */
    auth: string | null;
    onOpen: () => void;
    /**
     * May throw what makes the socket useless.
     */
    onFrame: (frame: unknown, size: number) => void;
    /**
     * Seconds.
     */
    connectTimeout: number;
    /**
     * Seconds.
     */
    idleBeforePing: number;
};
