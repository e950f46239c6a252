// @ts-check
// The tree of the sidebar: the levels of open containers, each read page by page.
//
// A level has the number of its children, and the pages that were shown. Rows are counted over all
// open levels, so that a virtual list can show any of them without reading those before it.

const PAGE = 100;
// A producer may create many nodes per second: a level is read again this often at most.
const REFRESH_MS = 400;

class Level {
  /** @type {Map<number, any[] | null>} children by page; null while it is being read */
  pages = new Map();
  /** @type {Map<string, {level: Level, index: number}>} open containers by key */
  open = new Map();
  /** @type {number | null} */
  total = null;
  error = "";
  /** @type {any} */
  subscription = null;
  timer = 0;

  /** @param {string[]} path @param {number} depth */
  constructor(path, depth) {
    this.path = path;
    this.depth = depth;
  }

  /** Number of rows of this level and of the open levels below it. @returns {number} */
  get rows() {
    let count = this.total ?? 1;
    for (const { level } of this.open.values()) count += level.rows;
    return count;
  }
}

/**
 * @typedef {object} Row
 * @property {"node" | "loading" | "empty" | "error"} kind
 * @property {number} depth
 * @property {any} [info]
 * @property {boolean} [open]
 * @property {number} [index]  among its siblings
 * @property {string} [text]
 * @property {string} key
 */

export class TreeModel {
  onChange = () => {};
  #client;
  #root;
  /** @type {{filters: any[], sort: string[]}} */
  #options;
  #closed = false;
  /** @type {Set<string>} paths of containers to be opened as soon as they are listed */
  #revealed = new Set();

  /**
   * @param {any} client
   * @param {string[]} path  of the container whose children are the first level
   * @param {{filters: any[], sort: string[]}} options
   */
  constructor(client, path, options) {
    this.#client = client;
    this.#options = options;
    this.#root = new Level(path, 0);
    this.#follow(this.#root);
    this.#load(this.#root, 0);
  }

  close() {
    this.#closed = true;
    this.#release(this.#root);
  }

  get rows() {
    return this.#root.rows;
  }

  get total() {
    return this.#root.total;
  }

  /**
   * Open the containers that lead to a node, as soon as a page that lists them is read.
   * @param {string[]} path
   */
  reveal(path) {
    for (let depth = this.#root.path.length + 1; depth < path.length; depth += 1) {
      this.#revealed.add(path.slice(0, depth).join("/"));
    }
    this.#openRevealed(this.#root);
  }

  /** @param {Level} level */
  #openRevealed(level) {
    for (const [page, items] of level.pages) {
      items?.forEach((info, at) => {
        if (!this.#revealed.delete(info.path)) return;
        if (!level.open.has(info.key)) this.toggle(info, page * PAGE + at);
      });
    }
    for (const { level: below } of level.open.values()) this.#openRevealed(below);
  }

  /** @param {number} index @returns {Row} */
  row(index) {
    return this.#rowOf(this.#root, index);
  }

  /** Open or close a container. @param {any} info @param {number} index  among its siblings */
  toggle(info, index) {
    const parent = this.#levelOf(info.ancestors);
    if (!parent) return;
    const found = parent.open.get(info.key);
    if (found) {
      this.#release(found.level);
      parent.open.delete(info.key);
    } else {
      const level = new Level([...info.ancestors, info.key], parent.depth + 1);
      parent.open.set(info.key, { level, index });
      this.#follow(level);
      this.#load(level, 0);
    }
    this.onChange();
  }

  /** @param {Level} level @param {number} index @returns {Row} */
  #rowOf(level, index) {
    let rest = index;
    const opened = [...level.open.values()].sort((a, b) => a.index - b.index);
    for (const child of opened) {
      if (rest <= child.index) break;
      const below = child.level.rows;
      if (rest <= child.index + below) return this.#rowOf(child.level, rest - child.index - 1);
      rest -= below;
    }
    return this.#childRow(level, rest);
  }

  /** @param {Level} level @param {number} index @returns {Row} */
  #childRow(level, index) {
    const at = { depth: level.depth, key: `${level.path.join("/")}#${index}` };
    if (level.error) return { kind: "error", text: level.error, ...at };
    if (level.total === 0) return { kind: "empty", ...at };
    const page = Math.floor(index / PAGE);
    if (!level.pages.has(page)) this.#load(level, page);
    const info = level.pages.get(page)?.[index - page * PAGE];
    if (!info) return { kind: "loading", ...at };
    return { kind: "node", info, open: level.open.has(info.key), ...at, key: info.path, index };
  }

  /** @param {Level} level @param {number} page */
  async #load(level, page) {
    level.pages.set(page, level.pages.get(page) ?? null);
    // Filters apply to the first level; below it, all nodes are shown.
    const filters = level === this.#root ? this.#options.filters : [];
    try {
      const found = await this.#client.node(level.path).search({
        filters,
        sort: this.#options.sort,
        offset: page * PAGE,
        limit: PAGE,
        // Metadata may be large, and is not shown here.
        fields: ["structure_family", "structure", "specs", "count"],
      });
      level.pages.set(page, found.items);
      level.total = found.total;
      level.error = "";
      this.#place(level, page, found.items);
      if (this.#revealed.size && !this.#closed) this.#openRevealed(level);
    } catch (error) {
      level.error = /** @type {any} */ (error).detail ?? String(error);
      level.total = 1;
    }
    if (!this.#closed) this.onChange();
  }

  /** Update the positions of open containers. @param {Level} level @param {number} page @param {any[]} items */
  #place(level, page, items) {
    items.forEach((info, at) => {
      const child = level.open.get(info.key);
      if (child) child.index = page * PAGE + at;
    });
  }

  /** Read a level again when its children change. @param {Level} level */
  #follow(level) {
    const changed = () => {
      if (level.timer) return;
      level.timer = window.setTimeout(() => {
        level.timer = 0;
        const pages = [...level.pages.keys()];
        // Other pages are read again when they become visible.
        for (const page of pages.slice(0, -2)) level.pages.delete(page);
        for (const page of pages.slice(-2)) this.#load(level, page);
        if (!pages.includes(0)) this.#load(level, 0);
      }, REFRESH_MS);
    };
    level.subscription = this.#client.node(level.path).subscribe({
      start: "next",
      onUpdate: changed,
      onReset: changed,
      onGap: changed,
      // A lost connection is shown elsewhere; containers inside files have no stream.
      onError: () => {},
    });
  }

  /** @param {Level} level */
  #release(level) {
    window.clearTimeout(level.timer);
    level.subscription?.close();
    for (const { level: below } of level.open.values()) this.#release(below);
  }

  /** @param {string[]} path @returns {Level | null} */
  #levelOf(path) {
    /** @type {Level | null} */
    let level = this.#root;
    for (const key of path.slice(this.#root.path.length)) {
      level = level?.open.get(key)?.level ?? null;
    }
    return level;
  }
}
