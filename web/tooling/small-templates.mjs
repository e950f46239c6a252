// A plugin of esbuild: templates of HTML and shaders without the indentation and the comments of their sources.
import { readFileSync } from "node:fs";

export const smallTemplates = {
  name: "small-templates",
  setup({ onLoad }) {
    onLoad({ filter: /web\/(app|image|panels|plots|widget)\/.*\.js$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      // The examples of code that the page shows are indented.
      return { contents: path.endsWith("snippets.js") ? source : source.replaceAll(/\n[ \t]+/g, "\n").replaceAll(/\n\/\/.*/g, ""), loader: "js" };
    });
  },
};
