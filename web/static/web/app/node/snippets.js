// @ts-check
// Code snippets that open a node: this project's Python client, Tiled's, curl and JavaScript.
import { html, useState } from "../../vendor/preact.js";
import { usePage } from "../context.js";
import { icon } from "../../icons/icons.js";
import { encodePath, keysOf } from "../address.js";

const COPIED_MS = 1500;
/** @type {Record<string, string>} */
const ENDPOINTS = {
  array: "array/full",
  sparse: "array/full",
  table: "table/full",
  container: "container/full",
  awkward: "awkward/full",
  ragged: "ragged/full",
};

/** @param {string[]} path */
function pythonPath(path) {
  return path.length ? `[${path.map((key) => JSON.stringify(key)).join(", ")}]` : "";
}

/**
 * Return the snippets for a node, by title.
 * @param {any} info
 * @param {string} origin  the server's address
 * @returns {Array<[string, string]>}
 */
export function snippets(info, origin) {
  const { family } = info;
  const path = keysOf(info.path);
  const container = family === "container";
  const read = container ? "list(node)" : "node.read()";
  const lookup = pythonPath(path);
  const url = `${origin}/api/v1/${container ? "search" : ENDPOINTS[family]}/${encodePath(path)}`;
  return [
    ["Python", `from tiled_client import from_uri\n\nclient = from_uri("${origin}", api_key="...")\nnode = client${lookup}\n${read}`],
    ["Python, live", `subscription = node.subscribe()\nsubscription.${container ? "child_created.add_callback(lambda update: print(update.key))" : "new_data.add_callback(lambda update: print(update.data()))"}\nsubscription.start_in_thread()`],
    ["Tiled's client", `from tiled.client import from_uri\n\nclient = from_uri("${origin}", api_key="...")\nnode = client${lookup}\n${read}`],
    ["curl", `curl -H "Authorization: Apikey $TILED_API_KEY" \\\n  "${url}${container ? "" : `?format=${family === "array" ? "npy" : "json"}`}"`],
    [
      "JavaScript",
      `import { connect } from "tiled-stream-client";\n\nconst client = connect("${origin}", { apiKey: "..." });\nconst node = client.node(${JSON.stringify(path)});\n` +
        (container ? "const { items } = await node.search({ limit: 10 });" : "for await (const update of node.updates({ start: \"latest\" })) console.log(await update.data());"),
    ],
  ];
}

/** @param {{info: any}} props */
export function Snippets({ info }) {
  const { origin } = usePage();
  return html`<div class="stack">
    ${snippets(info, origin).map(([title, code]) => html`<${Snippet} key=${title} title=${title} code=${code} />`)}
  </div>`;
}

/** @param {{title: string, code: string}} props */
export function Snippet({ title, code }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(code);
    setCopied(true);
    window.setTimeout(() => setCopied(false), COPIED_MS);
  };
  return html`<section class="snippet" aria-label=${title}>
    <header><h3>${title}</h3><button class="btn quiet" onClick=${copy}>${icon(copied ? "check" : "copy")}${copied ? "Copied" : "Copy"}</button></header>
    <pre tabindex="0">${code}</pre>
  </section>`;
}
