// @ts-check
// The newest children of a container, as a list.
import { html, useEffect, useState } from "../../vendor/preact.js";
import { usePage } from "../context.js";
import { formatNumber } from "../format.js";
import { icon } from "../../icons/icons.js";
import { detail } from "../browse/tree.js";

const SHOWN = 12;

/** @param {{info: any}} props */
export function ContainerOverview({ info }) {
  const { client, open } = usePage();
  const [found, setFound] = useState(/** @type {any} */ (null));
  const key = info.path;
  useEffect(() => {
    const look = () =>
      client
        .node(info.path)
        .search({ sort: ["-"], limit: SHOWN })
        .then(setFound)
        .catch((/** @type {any} */ error) => setFound({ items: [], total: 0, error }));
    look();
    let timer = 0;
    const subscription = client.node(info.path).subscribe({
      start: "next",
      onUpdate: () => {
        window.clearTimeout(timer);
        timer = window.setTimeout(look, 300);
      },
      onError: () => {},
    });
    return () => {
      window.clearTimeout(timer);
      subscription.close();
    };
  }, [client, key]);
  if (!found) return html`<div class="empty"><span class="spinner"></span></div>`;
  if (found.error) return html`<div class="error">${found.error.detail ?? found.error.message}</div>`;
  if (!found.total) {
    return html`<div class="empty"><h2>This container is empty</h2><p>New nodes appear here as producers create them.</p></div>`;
  }
  return html`<section class="overview">
    <p class="muted">${found.total > SHOWN ? `The newest ${SHOWN} of ${formatNumber(found.total)} nodes. The tree in the sidebar lists all of them.` : "Newest first."}</p>
    <ul>${found.items.map(
      (/** @type {any} */ item) => html`<li key=${item.key}><button class="overview-item" onClick=${() => open(item.path)}>
        <span class="muted">${icon(item.family)}</span><span class="truncate grow">${item.key}</span>
        ${(item.specs ?? []).map((/** @type {any} */ spec) => html`<span class="chip accent">${spec.name ?? spec}</span>`)}
        <span class="muted num">${detail(item)}</span></button></li>`,
    )}</ul></section>`;
}
