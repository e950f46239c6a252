// Bundle the widget of live plots in notebooks into one module and one style sheet, which are part of
// the Python client: client/tiled_client/live/notebook/bundle. Run by `npm run build`.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";
import { digest } from "./digest.mjs";
import { smallTemplates } from "./small-templates.mjs";

const project = join(dirname(fileURLToPath(import.meta.url)), "../..");
const target = join(project, "client/tiled_client/live/notebook/bundle");
const STYLES = [
  "core/static/site/ui.css",
  "web/static/web/vendor/uplot.css",
  "web/static/web/image/image.css",
  "web/static/web/plots/plots.css",
  "web/widget/widget.css",
];
// Browsers that have neither nesting nor its relatives show the widget, too.
const BROWSERS = ["chrome111", "firefox113", "safari16.2"];

mkdirSync(target, { recursive: true });
const { metafile } = await build({
  absWorkingDir: project,
  entryPoints: ["web/widget/main.js"],
  bundle: true,
  minify: true,
  metafile: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  charset: "utf8",
  outfile: join(target, "widget.js"),
  plugins: [smallTemplates],
});
const styles = STYLES.map((path) => readFileSync(join(project, path), "utf8")).join("\n");
const { code } = await transform(scoped(styles), { loader: "css", minify: true, target: BROWSERS });
writeFileSync(join(target, "widget.css"), code);
copyFileSync(join(project, "web/static/web/vendor/LICENSES.txt"), join(target, "LICENSES.txt"));
const sources = digest(project, [...Object.keys(metafile.inputs), ...STYLES]);
writeFileSync(join(target, "built.json"), `${JSON.stringify({ sources }, null, 2)}\n`);

/**
 * Return styles that apply to the widget alone: the page of a notebook has styles of its own, and a
 * theme that need not be that of the system.
 */
function scoped(css) {
  const [keyframes, rest] = split(css, /@keyframes [\w-]+ \{.*?\}\s*\}\n/gs);
  const own = rest.replaceAll(":root", "&").replaceAll("@media (prefers-color-scheme: dark)", '&[data-theme="dark"]');
  return `${keyframes}\n.tiled-live {\n${own}\n}`;
}

function split(text, pattern) {
  return [(text.match(pattern) ?? []).join("\n"), text.replaceAll(pattern, "")];
}
