// Bundle the page into few small modules below static/web/dist, so that a browser loads less. The
// server uses them as long as they are those of the sources (built.json), else the sources themselves.
// Run after `npm ci`: `npm run build`.
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { digest } from "./digest.mjs";
import { smallTemplates } from "./small-templates.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, "../static/web");
const target = join(web, "dist");

rmSync(target, { recursive: true, force: true });
const { metafile } = await build({
  absWorkingDir: web,
  // The worker is found beside the module that starts it, here as among the sources.
  entryPoints: [
    { in: "app/main.js", out: "main" },
    { in: "tiled-stream-client/src/data/array-worker.js", out: "array-worker" },
  ],
  // The page accepts no compressed payloads.
  external: ["./tiled-stream-client/src/data/decompression.js"],
  bundle: true,
  splitting: true,
  minify: true,
  metafile: true,
  format: "esm",
  target: "es2022",
  legalComments: "none",
  charset: "utf8",
  chunkNames: "[name]-[hash]",
  outdir: "dist",
  plugins: [smallTemplates],
});
const outputs = Object.fromEntries(
  Object.entries(metafile.outputs).map(([path, { imports }]) => [
    relative("dist", path),
    imports.filter(({ kind }) => kind === "import-statement").map((one) => relative("dist", one.path)),
  ]),
);
writeFileSync(
  join(target, "built.json"),
  `${JSON.stringify({ sources: digest(web, Object.keys(metafile.inputs)), imports: outputs }, null, 2)}\n`,
);
