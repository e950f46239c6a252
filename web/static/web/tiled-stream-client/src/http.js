// @ts-check
/** Requests to the HTTP API: credentials, errors, and repetition of reads that failed. */

import { endpointUrl } from "./address.js";
import { errorForStatus, TiledError, TransportError } from "./errors.js";
import { Backoff, sleep } from "./timing.js";

/** @import { Credentials } from "./credentials.js" */

const SAFE = ["GET", "HEAD"];
const TRANSIENT = [429, 502, 503, 504];

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
  constructor(root, credentials, { fetch, retryFor = 10 }) {
    this.root = root;
    this.credentials = credentials;
    // The global function must not be called as a method of this object.
    this._fetch = fetch ?? globalThis.fetch.bind(globalThis);
    this._retryFor = retryFor;
  }

  /**
   * Return the address of an endpoint.
   * @param {string} endpoint
   * @param {readonly string[]} keys
   * @param {Record<string, unknown>} [params]
   */
  url(endpoint, keys, params) {
    return endpointUrl(this.root, endpoint, keys, params);
  }

  /**
   * @param {string} url
   * @param {RequestOptions} [options]
   * @returns {Promise<any>}
   */
  async json(url, options = {}) {
    const response = await this.send(url, { accept: "application/json", ...options });
    return this._whole(response.text()).then((text) => (text ? JSON.parse(text) : null));
  }

  /**
   * @param {string} url
   * @param {RequestOptions} [options]
   */
  async bytes(url, options = {}) {
    const response = await this.send(url, options);
    return new Uint8Array(await this._whole(response.arrayBuffer()));
  }

  /**
   * Send a request; return the response if it is a success. Throws TiledError.
   * @param {string} url
   * @param {RequestOptions} [options]
   * @returns {Promise<Response>}
   */
  async send(url, options = {}) {
    const { method = "GET", signal, repeatable = SAFE.includes(method) } = options;
    const backoff = new Backoff();
    const deadline = Date.now() + 1000 * this._retryFor;
    for (let renewed = false; ; ) {
      signal?.throwIfAborted();
      const failure = await this._once(url, method, options);
      if (!(failure instanceof TiledError)) return failure;
      if (failure.status === 401 && !renewed && (await this.credentials.renew())) {
        renewed = true;
        continue;
      }
      const delay = backoff.next(failure.retryAfter ?? 0);
      const transient = failure.status === null || TRANSIENT.includes(failure.status);
      if (!repeatable || !transient || Date.now() + delay > deadline) throw failure;
      await sleep(delay, signal);
    }
  }

  /**
   * @param {string} url
   * @param {string} method
   * @param {RequestOptions} options
   * @returns {Promise<Response | TiledError>}
   */
  async _once(url, method, { accept, headers, body, signal }) {
    const { credentials } = this;
    const all = {
      ...(accept ? { Accept: accept } : {}),
      ...(await credentials.headers(!SAFE.includes(method))),
      ...headers,
    };
    try {
      const response = await this._fetch(url, {
        method,
        headers: all,
        body: body ?? null,
        signal: signal ?? null,
        // With a key, cookies of the browser are none of the client's business.
        credentials: credentials.given ? "omit" : "same-origin",
      });
      return response.ok ? response : await errorOf(response);
    } catch (cause) {
      signal?.throwIfAborted();
      return new TransportError(`The server cannot be reached at ${url}: ${cause}`, { cause });
    }
  }

  /**
   * @template T
   * @param {Promise<T>} body
   * @returns {Promise<T>}
   */
  async _whole(body) {
    try {
      return await body;
    } catch (cause) {
      if (/** @type {any} */ (cause)?.name === "AbortError") throw cause;
      throw new TransportError(`A response ended early: ${cause}`, { cause });
    }
  }
}

/**
 * @param {Response} response
 * @returns {Promise<TiledError>}
 */
async function errorOf(response) {
  const text = await response.text().catch(() => "");
  let detail = text.slice(0, 500) || response.statusText;
  try {
    const said = JSON.parse(text).detail;
    if (said) detail = typeof said === "string" ? said : JSON.stringify(said);
  } catch {
    // A proxy answers with its own page.
  }
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  return errorForStatus(response.status, detail, Number.isFinite(seconds) ? seconds : null);
}

