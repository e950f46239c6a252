/** Credentials of a client: an API key, an access token, or the session of a page. */
/** @import { ClientOptions, Secret } from "./types.js" */
/** An API key, a token, or neither: then a browser sends the cookies of its session. */
export class Credentials {
    /** @param {Pick<ClientOptions, "apiKey" | "token" | "csrf">} options */
    constructor({ apiKey, token, csrf }: Pick<ClientOptions, "apiKey" | "token" | "csrf">);
    /** @type {Secret | undefined} */
    _source: Secret | undefined;
    _scheme: string;
    _csrf: string | (() => string) | undefined;
    /** @type {string | null} */
    _secret: string | null;
    /** @type {Promise<string> | null} */
    _pending: Promise<string> | null;
    /** @type {Promise<boolean> | null} */
    _renewal: Promise<boolean> | null;
    /** True if there is a key or a token. */
    get given(): boolean;
    /**
     * Return the headers of a request.
     * @param {boolean} unsafe Whether the request changes something, by its method.
     * @returns {Promise<Record<string, string>>}
     */
    headers(unsafe: boolean): Promise<Record<string, string>>;
    /** Return the first message of a WebSocket; null without a key or a token. */
    message(): Promise<string | null>;
    /** Get another key or token, after the server refused this one; return whether there is one. */
    renew(): Promise<boolean>;
    _renew(): Promise<boolean>;
    /** @returns {Promise<string | null>} */
    _current(): Promise<string | null>;
    _csrfToken(): string | null;
}
import type { Secret } from "./types.js";
import type { ClientOptions } from "./types.js";
