// @ts-check
// A button with a popover: closed by Escape, a press outside, or the button.
import { html, useId, useRef, useState } from "../vendor/preact.js";
import { icon } from "../icons/icons.js";
import { useOutside } from "./hooks.js";

/**
 * @param {{label: string, symbol: string, className?: string, menu?: boolean, children: any}} props
 *   `menu` closes it after a press of one of its buttons
 */
export function Popover({ label, symbol, className = "", menu = false, children }) {
  const [open, setOpen] = useState(false);
  const root = useRef(/** @type {HTMLElement | null} */ (null));
  const id = useId();
  useOutside(root, open, () => setOpen(false));
  const close = () => {
    setOpen(false);
    root.current?.querySelector("button")?.focus();
  };
  const key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !open) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  };
  const chosen = (/** @type {Event} */ event) => {
    if (menu && /** @type {HTMLElement} */ (event.target).closest("button")) close();
  };
  return html`<div class=${`image-popover ${className}`} ref=${root} onKeyDown=${key}>
    <button type="button" class="btn icon" aria-label=${label} title=${label} aria-expanded=${open}
      aria-controls=${id} onClick=${() => setOpen(!open)}>${icon(symbol)}</button>
    <div id=${id} class=${`popover ${menu ? "menu" : ""}`} role="group" aria-label=${label} hidden=${!open}
      onClick=${chosen}>${children}</div>
  </div>`;
}
