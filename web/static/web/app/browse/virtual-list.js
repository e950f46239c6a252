// @ts-check
// A list of rows of one height, of which only those in view exist.
import { html, useEffect, useLayoutEffect, useRef, useState } from "../../vendor/preact.js";

// Browsers cannot scroll further than some 16 to 33 million pixels.
const MAX_PIXELS = 12e6;
const OVERSCAN = 8;

/**
 * @param {{count: number, rowHeight: number, row: (index: number) => any, label: string, role?: string,
 *   onKeyDown?: (event: KeyboardEvent) => void, active?: number}} props
 */
export function VirtualList({ count, rowHeight, row, label, role = "list", onKeyDown, active }) {
  const element = useRef(/** @type {any} */ (null));
  const [view, setView] = useState({ top: 0, height: 0 });
  const shown = Math.min(count, Math.floor(MAX_PIXELS / rowHeight));

  useLayoutEffect(() => {
    const list = element.current;
    const look = () => setView({ top: list.scrollTop, height: list.clientHeight });
    const observer = new ResizeObserver(look);
    observer.observe(list);
    list.addEventListener("scroll", look, { passive: true });
    look();
    return () => {
      observer.disconnect();
      list.removeEventListener("scroll", look);
    };
  }, []);
  useEffect(() => {
    if (active === undefined || active < 0 || active >= shown) return;
    const list = element.current;
    const top = active * rowHeight;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + rowHeight > list.scrollTop + list.clientHeight) list.scrollTop = top + rowHeight - list.clientHeight;
  }, [active, shown, rowHeight]);

  const first = Math.max(0, Math.floor(view.top / rowHeight) - OVERSCAN);
  const last = Math.min(shown, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN);
  const indices = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  return html`<div class="virtual-list" ref=${element} role=${role} aria-label=${label} tabindex="0" onKeyDown=${onKeyDown}>
    <div class="virtual-space" role="presentation" style=${{ height: `${shown * rowHeight}px` }}>
      ${indices.map(
        (index) =>
          html`<div key=${index} class="virtual-row" role="presentation" style=${{ transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}>${row(index)}</div>`,
      )}
    </div>
  </div>`;
}
