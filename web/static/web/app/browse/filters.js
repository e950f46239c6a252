// @ts-check
// Translate the sidebar's search into filters of the API.

export const FAMILIES = ["container", "array", "table", "sparse", "ragged", "awkward"];
export const SORTS = [
  ["", "Newest first"],
  ["created", "Oldest first"],
  ["id", "Name"],
  ["-id", "Name, descending"],
];

/**
 * Return the sort order and filters for the client's `search`.
 * @param {Record<string, string>} browse  as in the address
 */
export function searchOptions(browse) {
  /** @type {Array<{filter: string} & Record<string, unknown>>} */
  const filters = [];
  const add = (/** @type {string} */ filter, /** @type {Record<string, unknown>} */ fields) => filters.push({ filter, ...fields });
  if (browse.q) add("fulltext", { text: browse.q });
  if (browse.family) add("structure_family", { value: browse.family });
  if (browse.spec) add("specs", { include: [browse.spec], exclude: [] });
  if (browse.since) add("created", { since: browse.since, until: "" });
  return { filters, sort: [{ "": "-", created: "" }[browse.sort ?? ""] ?? browse.sort].filter(Boolean) };
}

/** @param {Record<string, string>} browse */
export function isFiltered(browse) {
  return Boolean(browse.q || browse.family || browse.spec || browse.since);
}
