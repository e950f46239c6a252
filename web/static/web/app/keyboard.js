// @ts-check
// Keyboard shortcuts of the whole page, inactive while the user types.
import { useLayoutEffect } from "../vendor/preact.js";

/**
 * Return whether a key press belongs to a control that uses it itself.
 * @param {KeyboardEvent} event
 */
export function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  return Boolean(target.closest?.("input, select, textarea, [contenteditable]")) || event.ctrlKey || event.metaKey || event.altKey;
}

/**
 * Call a handler for its key.
 * @param {Record<string, (event: KeyboardEvent) => void>} handlers  by the name of the key
 */
export function useKeys(handlers) {
  // An effect after layout would come late: a key that is pressed at first sight would be lost.
  useLayoutEffect(() => {
    const listen = (/** @type {KeyboardEvent} */ event) => {
      const handler = handlers[event.key];
      if (!handler || event.defaultPrevented || isTyping(event)) return;
      event.preventDefault();
      handler(event);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  });
}
