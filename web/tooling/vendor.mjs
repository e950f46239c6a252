// Bundle the npm packages that the page and the JavaScript client use into single modules, each in
// its own folder, and record versions, licences and digests in vendored.json there. Run after
// `npm ci`: `npm run vendor`.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const lock = JSON.parse(readFileSync(join(here, "package-lock.json"), "utf8"));
const FOLDERS = [
  { entries: "page", target: "vendor", copies: { "uplot.css": "uplot/dist/uPlot.min.css" } },
  { entries: "client", target: "tiled-stream-client/src/vendor", copies: {} },
];

// The colour maps are numbers: the 148 names of colours, 2 KB compressed, are not looked up.
const withoutNames = {
  name: "without-names",
  setup({ onLoad }) {
    onLoad({ filter: /d3-color\.mjs$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      const contents = source.replace(/\bnamed = \{[^}]*\}/, "named = {}");
      if (contents === source) throw new Error(`${path} has no table of names any more.`);
      return { contents };
    });
  },
};

for (const { entries, target, copies } of FOLDERS) {
  const files = new Map();
  for (const name of readdirSync(join(here, "entries", entries)).sort()) {
    files.set(name, await bundle(join("entries", entries, name)));
  }
  for (const [name, path] of Object.entries(copies)) {
    const input = join("node_modules", path);
    const content = readFileSync(join(here, input), "utf8");
    files.set(name, { content, packages: packagesOf([input]) });
  }
  write(join(here, "../static/web", target), files);
}

async function bundle(entry) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    format: "esm",
    minify: true,
    metafile: true,
    legalComments: "none",
    target: "es2022",
    write: false,
    plugins: [withoutNames],
  });
  const packages = packagesOf(Object.keys(result.metafile.inputs));
  const banner = packages.map((p) => `${p.name} ${p.version} (${p.license})`).join(", ");
  return { content: `// @ts-nocheck\n/*! ${banner} */\n${result.outputFiles[0].text}`, packages };
}

function write(folder, files) {
  const manifest = {};
  const licences = new Map();
  for (const [name, { content, packages }] of files) {
    writeFileSync(join(folder, name), content);
    const digest = createHash("sha384").update(content).digest("base64");
    manifest[name] = { integrity: `sha384-${digest}`, bytes: Buffer.byteLength(content), packages };
    for (const one of packages) licences.set(one.name, licenceText(one.name));
  }
  const text = [...licences].map(([name, licence]) => `== ${name}\n\n${licence.trim()}\n`);
  writeFileSync(join(folder, "LICENSES.txt"), text.join("\n"));
  writeFileSync(join(folder, "vendored.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

function packagesOf(inputs) {
  const names = new Set();
  for (const path of inputs) {
    const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (found) names.add(found[1]);
  }
  return [...names].sort().map((name) => {
    const { version, license } = manifestOf(name);
    return { name, version, license, npm: lock.packages[`node_modules/${name}`].integrity };
  });
}

function manifestOf(name) {
  return JSON.parse(readFileSync(join(here, "node_modules", name, "package.json"), "utf8"));
}

function licenceText(name) {
  const folder = join(here, "node_modules", name);
  const file = readdirSync(folder).find((f) => /^licen[cs]e/i.test(f));
  return file ? readFileSync(join(folder, file), "utf8") : manifestOf(name).license;
}
