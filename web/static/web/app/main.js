// @ts-check
// Entry point: read the configuration from the attributes of the body, connect, and render.
import { html, render } from "../vendor/preact.js";
import { connect } from "../tiled-stream-client/src/index.js";
import { App } from "./app.js";

const { dataset } = document.body;
const site = {
  api: dataset.api ?? "/api/v1",
  ui: dataset.ui ?? "/ui",
  root: dataset.root ?? "",
  origin: window.location.origin + (dataset.root ?? ""),
  version: dataset.version ?? "",
  session: {
    principal: dataset.principal ?? "",
    mayLogOut: "mayLogOut" in dataset && dataset.mayLogOut !== "false",
    login: dataset.loginUrl ?? "/ui/login",
    logout: dataset.logoutUrl ?? "/ui/logout",
    csrf: dataset.csrf ?? "",
  },
};

async function start() {
  const target = /** @type {HTMLElement} */ (document.getElementById("app"));
  const client = connect(new URL(site.api, window.location.origin).href);
  const about = await client.about().catch(() => ({ formats: {} }));
  render(html`<${App} client=${client} about=${about} site=${site} />`, target);
}

start();
