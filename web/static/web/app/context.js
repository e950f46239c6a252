// @ts-check
// Context of all components: the client, and the addresses of the server and the page.
import { createContext, useContext } from "../vendor/preact.js";

/**
 * @typedef {object} Page
 * @property {any} client  the JavaScript client
 * @property {string} api  the address of the API, as given by the server
 * @property {string} ui  the address of the page
 * @property {string} root  the path of the server on its host; empty for the root
 * @property {string} origin  the address of the server, with its path
 * @property {(path: string | string[], pane?: number) => void} open
 * @property {any} about  the server's description of itself, with its export formats
 */

/** @type {any} */
export const PageContext = createContext(/** @type {any} */ (null));

/** @returns {Page} */
export function usePage() {
  return useContext(PageContext);
}
