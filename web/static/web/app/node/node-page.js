// @ts-check
// One node: its data, its metadata, its structure, downloads and code.
import { html, useEffect } from "../../vendor/preact.js";
import { TABS } from "../address.js";
import { usePage } from "../context.js";
import { formatTime } from "../format.js";
import { JsonTree } from "../json-tree.js";
import { icon } from "../../icons/icons.js";
import { PaneGrid } from "../panes/pane-grid.js";
import { Downloads } from "./downloads.js";
import { Snippets } from "./snippets.js";
import { Structure } from "./structure.js";
import { useInfo } from "./use-info.js";

/** @type {Record<string, string>} */
const TAB_NAMES = { view: "View", metadata: "Metadata", structure: "Structure", download: "Download", code: "Code" };

/** @param {{address: any, change: any, changeView: any}} props */
export function NodePage({ address, change, changeView }) {
  const { client } = usePage();
  const { info, error, refresh } = useInfo(client, address.path);
  const name = address.path.at(-1) ?? "All nodes";
  useEffect(() => {
    document.title = `${name} · tiled-stream`;
  }, [name]);
  // Metadata may change while the page shows it: the parent's stream announces that.
  useEffect(() => followMetadata(client, address.path, refresh), [client, address.path.join("/"), refresh]);
  return html`<main class="node" aria-label=${name}>
    <${Head} name=${name} info=${info} />
    <div class="tabs" role="tablist" aria-label="About this node">
      ${TABS.map(
        (tab) =>
          html`<button key=${tab} class="tab" role="tab" id=${`tab-${tab}`} aria-selected=${address.tab === tab} aria-controls="tab-panel"
            onClick=${() => change({ tab })}>${TAB_NAMES[tab]}</button>`,
      )}
    </div>
    <div id="tab-panel" role="tabpanel" aria-labelledby=${`tab-${address.tab}`} class=${`tab-panel ${address.tab}`}>
      ${
        error && !info
          ? html`<${Failure} error=${error} />`
          : !info
            ? html`<div class="empty"><span class="spinner" role="status" aria-label="Loading"></span></div>`
            : html`<${Tab} tab=${address.tab} info=${info} address=${address} change=${change} changeView=${changeView} />`
      }
    </div>
  </main>`;
}

/** @param {any} props */
function Tab({ tab, info, address, change, changeView }) {
  if (tab === "metadata") return html`<div class="page-column"><${JsonTree} value=${info.metadata} label="metadata" /></div>`;
  if (tab === "structure") return html`<div class="page-column"><${Structure} info=${info} /></div>`;
  if (tab === "download") return html`<div class="page-column"><${Downloads} info=${info} /></div>`;
  if (tab === "code") return html`<div class="page-column"><${Snippets} info=${info} /></div>`;
  return html`<${PaneGrid} info=${info} address=${address} change=${change} changeView=${changeView} />`;
}

/** @param {{name: string, info: any}} props */
function Head({ name, info }) {
  const created = info?.timeCreated ?? null;
  return html`<div class="node-head">
    <h1 class="truncate" title=${name}>${name}</h1>
    ${info && html`<span class="chip">${icon(info.family)}${info.family}</span>`}
    ${info?.specs?.map((/** @type {any} */ spec) => html`<span key=${spec.name ?? spec} class="chip accent">${spec.name ?? spec}</span>`)}
    ${created && html`<span class="muted num">${formatTime(created)}</span>`}
  </div>`;
}

/** @param {{error: any}} props */
export function Failure({ error }) {
  const missing = error.status === 404;
  return html`<div class="empty"><h2>${missing ? "No such node" : "The node cannot be read"}</h2>
    <p>${missing ? "It does not exist, or you have no permission to see it." : (error.detail ?? error.message)}</p></div>`;
}

/**
 * Call `refresh` when the node's metadata changes; return a function that stops that.
 * @param {any} client
 * @param {string[]} path
 * @param {() => void} refresh
 */
function followMetadata(client, path, refresh) {
  if (!path.length) return undefined;
  const subscription = client.node(path.slice(0, -1)).subscribe({
    start: "next",
    onUpdate: (/** @type {any} */ update) => {
      if (update.key === path.at(-1)) refresh();
    },
    onError: () => {},
  });
  return () => subscription.close();
}
