/**
 * Return the root of the API that `address` belongs to, without a slash at its end, and the API
 * key that its query has.
 *
 * `address` may be that of the server, of its API, of a node, or, in a page, a path on its host.
 * @param {string | URL} address
 * @param {string | undefined} [base] The address that relative ones are resolved against.
 * @returns {{root: string, apiKey: string | null}}
 */
export function parseAddress(address: string | URL, base?: string | undefined): {
    root: string;
    apiKey: string | null;
};
/**
 * Split a path, or clean a list of keys.
 * @param {string | readonly string[]} path
 * @returns {string[]}
 */
export function splitPath(path: string | readonly string[]): string[];
/**
 * Return a path as it stands in an address.
 * @param {readonly string[]} keys
 */
export function encodePath(keys: readonly string[]): string;
/**
 * Return the address of an endpoint. Parameters that are null or undefined are left out; of a list,
 * each item is a parameter.
 * @param {string} root
 * @param {string} endpoint
 * @param {readonly string[]} keys
 * @param {Record<string, unknown>} [params]
 */
export function endpointUrl(root: string, endpoint: string, keys: readonly string[], params?: Record<string, unknown>): string;
/**
 * Return the address of the WebSocket for many nodes.
 * @param {string} root
 * @param {readonly string[]} features
 * @param {boolean} announced Whether an auth message follows: a public server does not wait for it else.
 */
export function streamUrl(root: string, features: readonly string[], announced: boolean): string;
/**
 * Return a link of the server under our own root: behind a proxy the server may call itself by
 * another name.
 * @param {string} root
 * @param {string} link
 */
export function rebase(root: string, link: string): string;
