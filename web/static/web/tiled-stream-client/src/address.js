// @ts-check
/** Addresses of a server's API. No I/O. */

const API = "/api/v1";

/**
 * Return the root of the API that `address` belongs to, without a slash at its end, and the API
 * key that its query has.
 *
 * `address` may be that of the server, of its API, of a node, or, in a page, a path on its host.
 * @param {string | URL} address
 * @param {string | undefined} [base] The address that relative ones are resolved against.
 * @returns {{root: string, apiKey: string | null}}
 */
export function parseAddress(address, base = globalThis.location?.href) {
  const url = new URL(address, base);
  const at = `${url.pathname}/`.indexOf(`${API}/`);
  const prefix = at < 0 ? url.pathname.replace(/\/+$/, "") : url.pathname.slice(0, at);
  return { root: url.origin + prefix + API, apiKey: url.searchParams.get("api_key") };
}

/**
 * Split a path, or clean a list of keys.
 * @param {string | readonly string[]} path
 * @returns {string[]}
 */
export function splitPath(path) {
  const keys = typeof path === "string" ? path.split("/") : [...path];
  return keys.filter((key) => key !== "");
}

/**
 * Return a path as it stands in an address.
 * @param {readonly string[]} keys
 */
export function encodePath(keys) {
  return keys.map(encodeURIComponent).join("/");
}

/**
 * Return the address of an endpoint. Parameters that are null or undefined are left out; of a list,
 * each item is a parameter.
 * @param {string} root
 * @param {string} endpoint
 * @param {readonly string[]} keys
 * @param {Record<string, unknown>} [params]
 */
export function endpointUrl(root, endpoint, keys, params = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null && item !== undefined) query.append(name, String(item));
    }
  }
  const text = query.toString();
  return `${root}/${endpoint}/${encodePath(keys)}${text ? `?${text}` : ""}`;
}

/**
 * Return the address of the WebSocket for many nodes.
 * @param {string} root
 * @param {readonly string[]} features
 * @param {boolean} announced Whether an auth message follows: a public server does not wait for it else.
 */
export function streamUrl(root, features, announced) {
  const query = new URLSearchParams({ envelope_format: "msgpack", features: features.join(",") });
  if (announced) query.set("credentials", "message");
  return `${root.replace(/^http/, "ws")}/stream/multi?${query}`;
}

/**
 * Return a link of the server under our own root: behind a proxy the server may call itself by
 * another name.
 * @param {string} root
 * @param {string} link
 */
export function rebase(root, link) {
  const url = new URL(link, root);
  const at = url.pathname.indexOf(`${API}/`);
  return at < 0 ? link : root + url.pathname.slice(at + API.length) + url.search;
}
