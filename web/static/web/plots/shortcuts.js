// @ts-check
// The keys of plots and grids, for a list of all keys.

/** @type {{keys: string, text: string}[]} */
export const plotKeys = [
  { keys: "← →", text: "move the cursor, with shift by ten points" },
  { keys: "+ -", text: "zoom in and out" },
  { keys: "PageUp PageDown", text: "move along x" },
  { keys: "0", text: "show all" },
];

/** @type {{keys: string, text: string}[]} */
export const gridKeys = [
  { keys: "↑ ↓ ← →", text: "move to another cell, with Ctrl to the end" },
  { keys: "PageUp PageDown", text: "move by a page" },
  { keys: "Home End", text: "the first row, the newest row and those to come" },
  { keys: "Ctrl C", text: "copy the cell" },
];
