/**
 * `bun run build:client`: the client as one file for browsers and Node, `dist/client.js`, and its types, `dist/types`. Files appear
 * when they are whole; setup runs it when a source of it has changed.
 */
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BunPlugin } from "bun";

const TYPES_TIMEOUT_MS = 120_000;

/** Calls that make a schema and do nothing else. */
const SCHEMA_CALL = /(?<![\w.$])v\.(?!parse|safeParse|is\b|assert)[a-z]\w*\(/g;

/**
 * Valibot marks its functions as free of side effects, but Bun looks at marks of calls only. With one before each call that makes a
 * schema, the schemas that the client does not use stay out of it.
 */
const pureSchemas: BunPlugin = {
  name: "pure schemas",
  setup(build) {
    build.onLoad({ filter: /\/src\/protocol\/[^/]+\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      return { contents: text.replace(SCHEMA_CALL, "/* @__PURE__ */ $&"), loader: "ts" };
    });
  },
};

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

async function buildScript(into: string): Promise<number> {
  const built = await Bun.build({
    entrypoints: [join(root, "src/client/mod.ts")],
    outdir: into,
    naming: "client.js",
    target: "browser",
    format: "esm",
    minify: true,
    sourcemap: "linked",
    plugins: [pureSchemas],
  });
  const script = built.outputs.find(({ kind }) => kind === "entry-point");
  if (script === undefined) throw new Error("the client was built into nothing");
  return Bun.gzipSync(new Uint8Array(await script.arrayBuffer())).length;
}

async function buildTypes(into: string): Promise<void> {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const args = [compiler, "-p", join(root, "tsconfig.client.json"), "--outDir", into];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), TYPES_TIMEOUT_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  clearTimeout(timer);
  if (code !== 0) throw new Error(`the types of the client were not built: tsc ended with ${code}`);
}

/** Moves one finished piece to its place; whatever stood there goes first. */
async function publish(from: string, name: string): Promise<void> {
  const to = join(dist, name);
  const old = `${from}.old`;
  await rename(to, old).catch((thrown) => {
    if (thrown?.code !== "ENOENT") throw thrown;
  });
  await rename(from, to);
  await rm(old, { recursive: true, force: true });
}

await mkdir(dist, { recursive: true });
const workplace = await mkdtemp(join(dist, ".build-"));
try {
  const [bytes] = await Promise.all([buildScript(workplace), buildTypes(join(workplace, "types"))]);
  for (const name of ["types", "client.js.map", "client.js"]) await publish(join(workplace, name), name);
  console.log(`dist/client.js: ${(bytes / 1_000).toFixed(1)} kB gzip`);
} finally {
  await rm(workplace, { recursive: true, force: true });
}
