// @ts-check
// The state of the page in its address: the node, the tab, the panes and their views.
//
// Path: `/ui/browse/a/b`. Query: `tab`, `panes` and the keys of BROWSE; any other key belongs to the
// view of the first pane, `2.key` to that of the second, and `2.path` is the second pane's node.

/** @typedef {Record<string, string>} View */
/** @typedef {{path: string[] | null, view: View}} PaneState  `path` null: the node of the address */
/**
 * @typedef {object} Address
 * @property {string[]} path
 * @property {string} tab
 * @property {number} layout  how many panes are shown: 1, 2 or 4
 * @property {View} browse
 * @property {PaneState[]} panes
 */

export const TABS = ["view", "metadata", "structure", "download", "code"];
export const LAYOUTS = [1, 2, 4];
const BROWSE = ["q", "family", "spec", "since", "sort"];

/**
 * Return the keys of a path.
 * @param {string | readonly string[]} path
 * @returns {string[]}
 */
export function keysOf(path) {
  return typeof path === "string" ? path.split("/").filter(Boolean) : [...path];
}

/**
 * Return the segments of a node's path as part of an address.
 * @param {string[]} path
 */
export function encodePath(path) {
  return path.map(encodeURIComponent).join("/");
}

/**
 * Parse the path and query of an address of the page.
 * @param {{pathname: string, search: string}} location
 * @param {string} base  the address of the page without a slash at its end: `/ui`
 * @returns {Address}
 */
export function parseAddress(location, base) {
  const rest = location.pathname.slice(base.length).replace(/^\/(browse\/?)?/, "");
  const path = rest.split("/").filter(Boolean).map(decodeURIComponent);
  /** @type {Address} */
  const address = { path, tab: "view", layout: 1, browse: {}, panes: [{ path: null, view: {} }] };
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (name === "tab" && TABS.includes(value)) address.tab = value;
    else if (name === "panes" && LAYOUTS.includes(Number(value))) address.layout = Number(value);
    else if (BROWSE.includes(name)) address.browse[name] = value;
    else setPaneValue(address, name, value);
  }
  return address;
}

/**
 * @param {Address} address
 * @param {string} name
 * @param {string} value
 */
function setPaneValue(address, name, value) {
  const found = /^([2-4])\.(.+)$/.exec(name);
  const index = found ? Number(found[1]) - 1 : 0;
  const key = found ? found[2] : name;
  while (address.panes.length <= index) address.panes.push({ path: null, view: {} });
  const pane = address.panes[index];
  if (key === "path" && index > 0) pane.path = value.split("/").map(decodeURIComponent);
  else pane.view[key] = value;
}

/**
 * Return the address as path and query.
 * @param {Address} address
 * @param {string} base
 */
export function formatAddress(address, base) {
  const query = new URLSearchParams();
  if (address.tab !== "view") query.set("tab", address.tab);
  for (const name of BROWSE) if (address.browse[name]) query.set(name, address.browse[name]);
  if (address.layout !== 1) query.set("panes", String(address.layout));
  address.panes.slice(0, address.layout).forEach((pane, index) => {
    const prefix = index ? `${index + 1}.` : "";
    if (index && pane.path) query.set(`${prefix}path`, encodePath(pane.path));
    for (const [key, value] of Object.entries(pane.view)) {
      if (value !== "" && value !== undefined) query.set(prefix + key, value);
    }
  });
  // Commas, colons and slashes are readable and allowed in a query.
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%2F", "/");
  return `${base}/browse/${encodePath(address.path)}${text ? `?${text}` : ""}`;
}

/**
 * Return the view with changed values; null or an empty text removes one.
 * @param {View} view
 * @param {Record<string, unknown>} patch
 * @returns {View}
 */
export function patchView(view, patch) {
  const result = { ...view };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || value === undefined || value === "" || value === false) delete result[key];
    else result[key] = value === true ? "1" : String(value);
  }
  return result;
}
