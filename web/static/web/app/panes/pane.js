// @ts-check
// The data of one node, with the status of its stream.
import { html, useErrorBoundary, useState } from "../../vendor/preact.js";
import { usePage } from "../context.js";
import { useKeys } from "../keyboard.js";
import { icon } from "../../icons/icons.js";
import { StatusBar } from "../live/status-bar.js";
import { panelFor } from "../../panels/index.js";

/** @param {any} props */
export function Pane({ info, view, onView, single, onClose }) {
  const { client, open } = usePage();
  const [live, setLive] = useState(/** @type {any} */ (null));
  const [failure, retry] = useErrorBoundary((/** @type {any} */ error) => console.error(error));
  const Panel = panelFor(info);
  return html`<section class="pane" aria-label=${info.path}>
    ${
      !single &&
      html`<header class="pane-head"><button class="pane-title truncate" title=${info.path} onClick=${() => open(info.path)}>${info.path.replaceAll("/", " / ")}</button>
        ${onClose && html`<button class="btn quiet icon" aria-label="Close this pane" onClick=${onClose}>${icon("close")}</button>`}</header>`
    }
    <div class="pane-body">
      ${
        failure
          ? html`<div class="empty"><p class="error">This view failed: ${failure.message}</p><button class="btn" onClick=${retry}>Try again</button></div>`
          : html`<${Panel} client=${client} info=${info} view=${view} onView=${onView} onLive=${setLive} />`
      }
    </div>
    ${live && html`<${StatusBar} live=${live} />`}
    ${single && live && html`<${LiveKeys} live=${live} />`}
  </section>`;
}

/** @param {{live: any}} props */
function LiveKeys({ live }) {
  useKeys({
    " ": () => (live.paused ? live.resume() : live.pause()),
    ",": () => live.step(-1),
    ".": () => live.step(1),
    End: () => live.resume(),
  });
  return null;
}
