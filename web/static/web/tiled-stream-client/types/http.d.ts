/**
 * @typedef {object} RequestOptions
 * @property {string} [method]
 * @property {string} [accept] The media type of the response.
 * @property {Record<string, string>} [headers]
 * @property {BodyInit | null} [body]
 * @property {AbortSignal | null} [signal]
 * @property {boolean} [repeatable] Whether to repeat the request after a failure; by default if it is
 *   a read.
 */
/** Requests with the credentials of one client. */
export class Http {
    /**
     * @param {string} root The address of the API.
     * @param {Credentials} credentials
     * @param {{fetch?: typeof fetch, retryFor?: number}} options
     */
    constructor(root: string, credentials: Credentials, { fetch, retryFor }: {
        fetch?: typeof globalThis.fetch;
        retryFor?: number;
    });
    root: string;
    credentials: Credentials;
    _fetch: typeof fetch;
    _retryFor: number;
    /**
     * Return the address of an endpoint.
     * @param {string} endpoint
     * @param {readonly string[]} keys
     * @param {Record<string, unknown>} [params]
     */
    url(endpoint: string, keys: readonly string[], params?: Record<string, unknown>): string;
    /**
     * @param {string} url
     * @param {RequestOptions} [options]
     * @returns {Promise<any>}
     */
    json(url: string, options?: RequestOptions): Promise<any>;
    /**
     * @param {string} url
     * @param {RequestOptions} [options]
     */
    bytes(url: string, options?: RequestOptions): Promise<Uint8Array<ArrayBuffer>>;
    /**
     * Send a request; return the response if it is a success. Throws TiledError.
     * @param {string} url
     * @param {RequestOptions} [options]
     * @returns {Promise<Response>}
     */
    send(url: string, options?: RequestOptions): Promise<Response>;
    /**
     * @param {string} url
     * @param {string} method
     * @param {RequestOptions} options
     * @returns {Promise<Response | TiledError>}
     */
    _once(url: string, method: string, { accept, headers, body, signal }: RequestOptions): Promise<Response | TiledError>;
    /**
     * @template T
     * @param {Promise<T>} body
     * @returns {Promise<T>}
     */
    _whole<T>(body: Promise<T>): Promise<T>;
}
export type RequestOptions = {
    method?: string | undefined;
    /**
     * The media type of the response.
     */
    accept?: string | undefined;
    headers?: Record<string, string> | undefined;
    body?: BodyInit | null | undefined;
    signal?: AbortSignal | null | undefined;
    /**
     * Whether to repeat the request after a failure; by default if it is
     * a read.
     */
    repeatable?: boolean | undefined;
};
import type { Credentials } from "./credentials.js";
import { TiledError } from "./errors.js";
