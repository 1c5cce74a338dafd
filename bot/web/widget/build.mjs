// Builds ../static/chartline.js. Its banner carries the SHA-256 of the sources and of the code below the banner,
// so that a test can tell, without Node, that the committed bundle is what the committed sources give.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const bundle = join(root, "..", "static", "chartline.js");
const target = ["es2020", "safari15.4", "chrome100", "firefox100"];

function filesUnder(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path).flatMap((name) => filesUnder(join(path, name)));
}

function hashOfSources() {
  const inputs = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json", "src"];
  const files = inputs.flatMap((name) => filesUnder(join(root, name)));
  const named = files.map((file) => [relative(root, file).split(sep).join("/"), readFileSync(file)]);
  named.sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256");
  for (const [name, content] of named) hash.update(name).update("\0").update(content).update("\0");
  return hash.digest("hex");
}

const minifiedCss = {
  name: "minified-css",
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(readFileSync(path, "utf8"), { loader: "css", minify: true, target });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

const result = await build({
  absWorkingDir: root,
  entryPoints: ["src/index.ts"],
  bundle: true,
  minify: true,
  format: "iife",
  target,
  charset: "utf8",
  write: false,
  plugins: [minifiedCss],
});
const code = result.outputFiles[0].text;
const hashOfCode = createHash("sha256").update(code).digest("hex");
const banner = `/*! Chartline chat widget, Apache-2.0. sources=${hashOfSources()} code=${hashOfCode} */\n`;
writeFileSync(bundle, banner + code);
console.log(`chartline.js: ${gzipSync(banner + code).length} bytes gzipped`);
