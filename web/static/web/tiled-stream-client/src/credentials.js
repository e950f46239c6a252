// @ts-check
/** Credentials of a client: an API key, an access token, or the session of a page. */

/** @import { ClientOptions, Secret } from "./types.js" */

/** An API key, a token, or neither: then a browser sends the cookies of its session. */
export class Credentials {
  /** @param {Pick<ClientOptions, "apiKey" | "token" | "csrf">} options */
  constructor({ apiKey, token, csrf }) {
    if (apiKey && token) throw new TypeError("Give apiKey or token, not both.");
    /** @type {Secret | undefined} */
    this._source = apiKey || token;
    this._scheme = apiKey ? "Apikey" : "Bearer";
    this._csrf = csrf;
    /** @type {string | null} */
    this._secret = typeof this._source === "string" ? this._source : null;
    /** @type {Promise<string> | null} */
    this._pending = null;
    /** @type {Promise<boolean> | null} */
    this._renewal = null;
  }

  /** True if there is a key or a token. */
  get given() {
    return Boolean(this._source);
  }

  /**
   * Return the headers of a request.
   * @param {boolean} unsafe Whether the request changes something, by its method.
   * @returns {Promise<Record<string, string>>}
   */
  async headers(unsafe) {
    const secret = await this._current();
    if (secret) return { Authorization: `${this._scheme} ${secret}` };
    const csrf = unsafe ? this._csrfToken() : null;
    return csrf ? { "X-CSRF": csrf } : {};
  }

  /** Return the first message of a WebSocket; null without a key or a token. */
  async message() {
    const secret = await this._current();
    if (!secret) return null;
    const name = this._scheme === "Apikey" ? "api_key" : "access_token";
    return JSON.stringify({ type: "auth", [name]: secret });
  }

  /** Get another key or token, after the server refused this one; return whether there is one. */
  async renew() {
    if (typeof this._source !== "function") return false;
    // Requests that were refused together renew it together.
    this._renewal ??= this._renew().finally(() => (this._renewal = null));
    return this._renewal;
  }

  async _renew() {
    const before = this._secret;
    this._secret = null;
    this._pending = null;
    return (await this._current()) !== before;
  }

  /** @returns {Promise<string | null>} */
  async _current() {
    if (this._secret === null && typeof this._source === "function") {
      this._pending ??= Promise.resolve(this._source());
      try {
        this._secret = await this._pending;
      } finally {
        this._pending = null;
      }
    }
    return this._secret;
  }

  _csrfToken() {
    if (this._csrf) return typeof this._csrf === "function" ? this._csrf() : this._csrf;
    const cookies = /** @type {any} */ (globalThis).document?.cookie ?? "";
    return /(?:^|;\s*)tiled_csrf=([^;]+)/.exec(cookies)?.[1] ?? null;
  }
}
