// @ts-check
// The whole page: header, tree, and the selected node.
import { html, useMemo, useState } from "../vendor/preact.js";
import { LAYOUTS } from "./address.js";
import { Tree } from "./browse/tree.js";
import { PageContext } from "./context.js";
import { Header } from "./header.js";
import { Help } from "./help.js";
import { useKeys } from "./keyboard.js";
import { NodePage } from "./node/node-page.js";
import { useAddress } from "./router.js";

const ROOT = /** @type {string[]} */ ([]);

/** @param {{client: any, about: any, site: any}} props */
export function App({ client, about, site }) {
  const { address, open, change, changeView } = useAddress(site.ui);
  const [menu, setMenu] = useState(false);
  const [help, setHelp] = useState(false);
  const page = useMemo(
    () => ({
      client,
      about,
      ...site,
      open: (/** @type {string | string[]} */ path, pane = 0) => {
        setMenu(false);
        open(path, pane);
      },
    }),
    [client, about, site, open],
  );
  useKeys({
    "/": () => document.getElementById("search")?.focus(),
    "?": () => setHelp(true),
    ...Object.fromEntries(LAYOUTS.map((count) => [String(count), () => change({ layout: count }, true)])),
  });
  return html`<${PageContext.Provider} value=${page}>
    <a class="skip" href="#tab-panel">Skip to the data</a>
    <${Header} path=${address.path} session=${site.session} onMenu=${() => setMenu(!menu)} onHelp=${() => setHelp(true)} />
    <div class="page-body">
      <aside class=${menu ? "side open" : "side"} aria-label="Nodes">
        <${Tree} root=${ROOT} selected=${address.path} browse=${address.browse}
          onBrowse=${(/** @type {any} */ patch) => change({ browse: { ...address.browse, ...patch } }, true)} />
        <footer class="side-foot muted"><span>tiled-stream ${site.version}</span><a href=${`${site.root}/docs`}>API</a></footer>
      </aside>
      ${menu && html`<button class="scrim" aria-label="Close the list of nodes" onClick=${() => setMenu(false)}></button>`}
      <${NodePage} key=${address.path.join("/")} address=${address} change=${change} changeView=${changeView} />
    </div>
    <${Help} open=${help} onClose=${() => setHelp(false)} />
  </${PageContext.Provider}>`;
}
