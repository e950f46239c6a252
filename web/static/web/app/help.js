// @ts-check
// The dialog with all keyboard shortcuts.
import { html, useEffect, useRef } from "../vendor/preact.js";
import { shortcuts as imageKeys } from "../image/keyboard.js";
import { gridKeys, plotKeys } from "../plots/shortcuts.js";

/** @type {Array<[string, Array<{keys: string, text: string}>]>} */
const GROUPS = [
  [
    "Page",
    [
      { keys: "/", text: "search" },
      { keys: "?", text: "this help" },
      { keys: "1 2 4", text: "number of panes" },
      { keys: "↑ ↓ ← → Enter", text: "move in the tree, open or close a container, show the node" },
    ],
  ],
  [
    "Stream",
    [
      { keys: "space", text: "pause and resume" },
      { keys: ", .", text: "previous update, next update" },
      { keys: "End", text: "return to the newest update" },
    ],
  ],
  ["Image", imageKeys],
  ["Plot", plotKeys],
  ["Rows", gridKeys],
];

/** @param {{open: boolean, onClose: () => void}} props */
export function Help({ open, onClose }) {
  const dialog = useRef(/** @type {any} */ (null));
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  return html`<dialog ref=${dialog} class="help" aria-label="Keyboard shortcuts" onClose=${onClose}>
    <header class="toolbar"><h2 class="grow">Keyboard shortcuts</h2><button class="btn quiet" onClick=${onClose}>Close</button></header>
    <div class="help-groups">
      ${GROUPS.map(
        ([title, keys]) => html`<section key=${title}><h3>${title}</h3><dl class="pairs">
          ${keys.map(({ keys: names, text }) => html`<dt key=${`${names}t`}>${names.split(" ").map((name) => html`<kbd>${name}</kbd> `)}</dt><dd key=${names}>${text}</dd>`)}
        </dl></section>`,
      )}
    </div>
  </dialog>`;
}
