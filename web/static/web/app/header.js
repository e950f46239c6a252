// @ts-check
// The header of the page: breadcrumbs, help, and the menu of the principal.
import { html, useEffect, useRef, useState } from "../vendor/preact.js";
import { usePage } from "./context.js";
import { icon } from "../icons/icons.js";
import { encodePath } from "./address.js";

/** @param {{path: string[], session: any, onMenu: () => void, onHelp: () => void}} props */
export function Header({ path, session, onMenu, onHelp }) {
  return html`<header class="page-head">
    <button class="btn quiet icon only-narrow" aria-label="Nodes" onClick=${onMenu}>${icon("menu")}</button>
    <${Link} path=${[]} label="All nodes" className="brand"><img src=${new URL("../../site/favicon.svg", import.meta.url).href} width="20" height="20" alt="" /><span class="only-wide">tiled-stream</span></${Link}>
    <nav class="crumbs grow" aria-label="Breadcrumbs"><ol>
      ${path.map((key, i) => html`<li key=${i}><${Link} path=${path.slice(0, i + 1)} label=${key} current=${i === path.length - 1}>${key}</${Link}></li>`)}
    </ol></nav>
    <button class="btn quiet icon" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick=${onHelp}>${icon("help")}</button>
    <${User} session=${session} />
  </header>`;
}

/** @param {any} props */
function Link({ path, label, current, className, children }) {
  const { ui, open } = usePage();
  const go = (/** @type {MouseEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(path);
  };
  return html`<a class=${className} href=${`${ui}/browse/${encodePath(path)}`} title=${label} aria-current=${current ? "page" : undefined} onClick=${go}>${children}</a>`;
}

/** @param {{session: any}} props */
function User({ session }) {
  const { root } = usePage();
  const [open, setOpen] = useState(false);
  const element = useRef(/** @type {any} */ (null));
  useEffect(() => {
    if (!open) return undefined;
    const close = (/** @type {any} */ event) => {
      if (event.key === "Escape" || (event.type === "pointerdown" && !element.current?.contains(event.target))) setOpen(false);
    };
    window.addEventListener("keydown", close);
    window.addEventListener("pointerdown", close);
    return () => {
      window.removeEventListener("keydown", close);
      window.removeEventListener("pointerdown", close);
    };
  }, [open]);
  if (!session.principal) return html`<a class="btn quiet" aria-label="Log in" href=${session.login}>${icon("user")}<span class="only-wide">Log in</span></a>`;
  return html`<div class="anchor" ref=${element}>
    <button class="btn quiet" aria-label=${session.principal} aria-haspopup="menu" aria-expanded=${open} onClick=${() => setOpen(!open)}>${icon("user")}<span class="only-wide truncate">${session.principal}</span></button>
    ${
      open &&
      html`<div class="popover menu right" role="menu">
        <a role="menuitem" href=${`${root}/docs`}>API documentation</a>
        <a role="menuitem" href=${`${root}/admin/`}>Admin</a>
        ${session.mayLogOut && html`<form method="post" action=${session.logout}><input type="hidden" name="csrfmiddlewaretoken" value=${session.csrf} /><button class="btn quiet" role="menuitem">Log out</button></form>`}
      </div>`
    }
  </div>`;
}
