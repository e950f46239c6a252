// @ts-check
// One, two or four panes, each with its own node.
import { html } from "../../vendor/preact.js";
import { LAYOUTS } from "../address.js";
import { usePage } from "../context.js";
import { icon } from "../../icons/icons.js";
import { useInfo } from "../node/use-info.js";
import { Failure } from "../node/node-page.js";
import { useNewestLeaves } from "./follow.js";
import { ContainerOverview } from "./container-overview.js";
import { Pane } from "./pane.js";

/** @param {any} props */
export function PaneGrid({ info, address, change, changeView }) {
  const { client, open } = usePage();
  const container = info.family === "container";
  const following = container && address.panes[0]?.view.follow === "1";
  const leaves = useNewestLeaves(client, info.path, following);
  const count = address.layout;
  const panes = Array.from({ length: count }, (_, index) => address.panes[index] ?? { path: null, view: {} });
  return html`<div class="pane-tools toolbar">
      ${
        container &&
        html`<button class="btn" aria-pressed=${following} onClick=${() => changeView(0, { follow: !following })}>
          ${icon("live")}Show what is being written now</button>`
      }
      <span class="grow"></span>
      <div class="group" role="group" aria-label="Panes">
        ${LAYOUTS.map(
          (n) => html`<button key=${n} class="btn" aria-pressed=${count === n} aria-label=${`${n} ${n === 1 ? "pane" : "panes"}`} title=${`${n} ${n === 1 ? "pane" : "panes"}`} onClick=${() => change({ layout: n }, true)}>${n}</button>`,
        )}
      </div>
    </div>
    <div class=${`pane-grid panes-${count}`} ...${dropTarget(open)}>
      ${panes.map((pane, index) => {
        const props = { key: index, view: pane.view, onView: (/** @type {any} */ patch) => changeView(index, patch), single: count === 1 };
        const onClose = index ? () => open([], index) : undefined;
        if (pane.path?.length) return html`<${OtherPane} ...${props} path=${pane.path} onClose=${onClose} />`;
        if (following) {
          const leaf = leaves?.[index];
          // The path in the key: a new node gets a new view, without state of the previous one.
          if (leaf) return html`<${Pane} ...${props} key=${`${index}:${leaf.path}`} info=${leaf} />`;
          return html`<section key=${index} class="pane"><div class="empty">${leaves ? "Waiting for new data." : html`<span class="spinner"></span>`}</div></section>`;
        }
        if (index) return html`<${EmptyPane} key=${index} index=${index} info=${info} />`;
        if (container) return html`<${ContainerOverview} key="overview" info=${info} />`;
        return html`<${Pane} ...${props} key=${info.path} info=${info} />`;
      })}
    </div>`;
}

/**
 * Return the handlers that show a node when it is dropped on a pane.
 * @param {(path: string, pane: number) => void} open
 */
function dropTarget(open) {
  return {
    onDragOver: (/** @type {DragEvent} */ event) => event.preventDefault(),
    onDrop: (/** @type {any} */ event) => {
      event.preventDefault();
      const pane = event.target.closest(".pane");
      const path = event.dataTransfer?.getData("text/plain");
      if (pane && path) open(path, [...event.currentTarget.children].indexOf(pane));
    },
  };
}

/** @param {any} props */
function OtherPane({ path, ...props }) {
  const { client } = usePage();
  const { info, error } = useInfo(client, path);
  if (error && !info) return html`<section class="pane"><${Failure} error=${error} /></section>`;
  if (!info) return html`<section class="pane"><div class="empty"><span class="spinner"></span></div></section>`;
  return html`<${Pane} ...${props} info=${info} />`;
}

/** @param {{index: number, info: any}} props */
function EmptyPane({ index, info }) {
  const { open } = usePage();
  const choose = (/** @type {any} */ event) => {
    event.preventDefault();
    const text = new FormData(event.target).get("path");
    open(String(text), index);
  };
  return html`<section class="pane"><div class="empty">
    <p>Drag a node of the tree here, or enter its path.</p>
    <form class="toolbar" onSubmit=${choose}>
      <input class="input" name="path" aria-label=${`Path of the node in pane ${index + 1}`} placeholder=${info.path} />
      <button class="btn">Show</button>
    </form></div></section>`;
}
