// @ts-check
/**
 * Errors of the client, as one tree.
 *
 * TiledError
 * ├── RequestRejected     client error (4xx); the same request would be rejected again
 * │   ├── BadRequest      400; close code 4000
 * │   ├── Unauthorized    401; close codes 4001 and 4003
 * │   ├── Forbidden       403
 * │   ├── NotFound        404 and 410; close code 4004
 * │   │   └── NodeDeleted the node was deleted during a subscription; close code 4010
 * │   ├── NotSupported    405
 * │   ├── NotAcceptable   406
 * │   ├── Conflict        409
 * │   └── Invalid         422
 * ├── ServerError         server error (5xx), or rate limit (429)
 * ├── TransportError      no complete response
 * ├── InvalidResponse     a response that does not follow the protocol
 * └── StreamLost          the connection of a stream broke; it is reconnected
 */

/** Base class of all errors that this client raises about a server. */
export class TiledError extends Error {
  /**
   * @param {string} detail The explanation, usually the server's own.
   * @param {{status?: number | null, retryAfter?: number | null, cause?: unknown}} [options]
   *   HTTP status or close code; seconds after which the server asks to be tried again.
   */
  constructor(detail, { status = null, retryAfter = null, cause } = {}) {
    super(status ? `${status}: ${detail}` : detail, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.detail = detail;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The server rejected the request, and would reject the same request again (4xx). */
export class RequestRejected extends TiledError {}

/** The request is malformed, contradicts itself, or exceeds a limit (400). */
export class BadRequest extends RequestRejected {}

/** Missing or invalid credentials, or credentials without the required scopes (401). */
export class Unauthorized extends RequestRejected {}

/** Valid credentials that do not permit the request (403). */
export class Forbidden extends RequestRejected {}

/** The node does not exist, is of another structure family, or its files are missing (404). */
export class NotFound extends RequestRejected {}

/** The node was deleted during a subscription. */
export class NodeDeleted extends NotFound {}

/** The node does not support the operation (405). */
export class NotSupported extends RequestRejected {}

/** The server cannot produce the requested format (406). */
export class NotAcceptable extends RequestRejected {}

/** The request conflicts with stored state (409). */
export class Conflict extends RequestRejected {}

/** The server rejected a value of the request (422). */
export class Invalid extends RequestRejected {}

/** The server failed (5xx) or limits the rate of requests (429); a retry may succeed. */
export class ServerError extends TiledError {}

/** No complete response was received. */
export class TransportError extends TiledError {}

/** A response that does not follow the protocol. */
export class InvalidResponse extends TiledError {}

/** The connection of a stream broke; it is reconnected up to a limit. */
export class StreamLost extends TiledError {}

/** @type {Record<number, typeof RequestRejected>} */
const BY_STATUS = {
  400: BadRequest,
  401: Unauthorized,
  403: Forbidden,
  404: NotFound,
  405: NotSupported,
  406: NotAcceptable,
  409: Conflict,
  410: NotFound,
  422: Invalid,
};

/** @type {Record<number, typeof RequestRejected>} */
const FINAL_CODES = {
  4000: BadRequest,
  4001: Unauthorized,
  4003: Unauthorized,
  4004: NotFound,
  4010: NodeDeleted,
};

/**
 * Return the error that an HTTP status means.
 * @param {number} status
 * @param {string} detail
 * @param {number | null} [retryAfter]
 * @returns {TiledError}
 */
export function errorForStatus(status, detail, retryAfter = null) {
  const transient = status === 429 || status >= 500;
  const Class = transient ? ServerError : (BY_STATUS[status] ?? RequestRejected);
  return new Class(detail, { status, retryAfter });
}

/**
 * Return the error that a WebSocket close code means; null if the producer ended the stream.
 * @param {number} code
 * @param {string} reason
 * @returns {TiledError | null}
 */
export function errorForClose(code, reason) {
  if (code === 1000) {
    return reason === "Node deleted" ? new NodeDeleted(reason, { status: code }) : null;
  }
  const Class = FINAL_CODES[code];
  if (Class) return new Class(reason || "The server closed the stream.", { status: code });
  return new StreamLost(reason || "The connection to the stream was lost.", { status: code });
}

/**
 * Return whether reconnecting would meet the same error.
 * @param {unknown} error
 */
export function isFinal(error) {
  return error instanceof RequestRejected || error instanceof InvalidResponse;
}
