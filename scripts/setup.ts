/**
 * Everything that has to be there before the first command runs: the packages of bun.lock, the template of the
 * embedded database and the built client. Prints a line for each step that takes long, and nothing when there is nothing to do.
 *
 * Runs before any package is installed, so it imports none.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../package.json" with { type: "json" };

/** A slow line and an empty cache: about 100 MB of packages. */
const INSTALL_TIMEOUT_MS = 15 * 60_000;
/** initdb takes 3–5 s; more than its own limit of 120 s. */
const TEMPLATE_TIMEOUT_MS = 150_000;
/** 2 s on a quiet machine. */
const CLIENT_TIMEOUT_MS = 150_000;
/** Output kept of a failing step. */
const OUTPUT_CHARS_MAX = 20_000;

const root = fileURLToPath(new URL("..", import.meta.url));
const cacheDir = join(root, "node_modules", ".cache", "tapeline");
const thisScript = fileURLToPath(import.meta.url);

interface Step {
  /** What is said while it runs. */
  readonly doing: string;
  readonly stamp: string;
  /** Contents of these files and folders, and the runtime, decide whether the step has been done. */
  readonly inputs: readonly string[];
  /** Paths that are there when it has been done. */
  outputs(): readonly string[];
  readonly args: readonly string[];
  readonly timeoutMs: number;
  readonly advice: string;
}

const INSTALL: Step = {
  doing: "Installing packages",
  stamp: "packages.stamp",
  inputs: ["package.json", "bun.lock", "bunfig.toml"],
  outputs: () =>
    [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)].map((name) =>
      join(root, "node_modules", name, "package.json"),
    ),
  args: ["install", "--frozen-lockfile"],
  timeoutMs: INSTALL_TIMEOUT_MS,
  advice: "Check the connection to the npm registry and run the command again.",
};

const TEMPLATE: Step = {
  doing: "Preparing the embedded database",
  stamp: "template.stamp",
  inputs: ["bun.lock", "db/template.ts", "db/prepare-template.ts"],
  outputs: () => [],
  // initdb takes 900 MB, which the system has back when the child process has ended.
  args: [thisScript, "template"],
  timeoutMs: TEMPLATE_TIMEOUT_MS,
  advice:
    "Look for a full disk or too little memory (900 MB are needed for some seconds) and run the command again.",
};

const CLIENT: Step = {
  doing: "Building the client",
  stamp: "client.stamp",
  inputs: [
    "bun.lock",
    "tsconfig.json",
    "tsconfig.client.json",
    "scripts/build-client.ts",
    "src/client",
    "src/protocol",
    "src/core",
  ],
  outputs: () => ["client.js", "client.js.map", "types"].map((name) => join(root, "dist", name)),
  args: [join(root, "scripts", "build-client.ts")],
  timeoutMs: CLIENT_TIMEOUT_MS,
  advice: "If you have changed src/client, `bun run check` says where it fails.",
};

/** A step that did not work: what was done and what it said. */
class SetupError extends Error {
  override readonly name = "SetupError";
}

/** Runs the steps whose inputs have changed since they were last done. */
async function setUp(): Promise<void> {
  warnAboutVersion();
  for (const step of [INSTALL, TEMPLATE, CLIENT]) {
    const key = await keyOf(step);
    if (await isDone(step, key)) continue;
    const started = Date.now();
    console.error(`${step.doing} (once) …`);
    await run(step);
    await stamp(step, key);
    console.error(`${step.doing}: done in ${((Date.now() - started) / 1_000).toFixed(1)} s`);
  }
}

function warnAboutVersion(): void {
  const pinned = manifest.packageManager.replace(/^bun@/, "");
  if (Bun.version === pinned) return;
  const command = process.env["npm_lifecycle_event"] ?? "demo";
  console.error(
    `Warning: this is Bun ${Bun.version}, and Tapeline is tested with Bun ${pinned} only. ` +
      `To run with that one: npx -y bun@${pinned} run ${command}`,
  );
}

async function keyOf(step: Step): Promise<string> {
  const hash = createHash("sha256").update(`${Bun.version} ${process.platform} ${process.arch}`);
  for (const input of await filesOf(step.inputs))
    hash.update(`\n${input}\n`).update(await readFile(join(root, input)));
  return hash.digest("hex");
}

/** Files as they are named, folders as all files below them. */
async function filesOf(inputs: readonly string[]): Promise<string[]> {
  const listed = inputs.map(async (input) => {
    if (!(await stat(join(root, input))).isDirectory()) return [input];
    const entries = await readdir(join(root, input), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(root, join(parentPath, name)))
      .sort();
  });
  return (await Promise.all(listed)).flat();
}

/** The stamp holds the key on its first line, then paths that the step itself named. */
async function isDone(step: Step, key: string): Promise<boolean> {
  const path = join(cacheDir, step.stamp);
  if (!existsSync(path)) return false;
  const [stamped, ...named] = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
  return stamped === key && [...step.outputs(), ...named].every((output) => existsSync(output));
}

async function stamp(step: Step, key: string): Promise<void> {
  const named = step === TEMPLATE ? [await readFile(join(cacheDir, "template.path"), "utf8")] : [];
  await publish(join(cacheDir, step.stamp), [key, ...named].join("\n"));
}

async function publish(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}.tmp`;
  await writeFile(aside, text);
  await rename(aside, path);
}

async function run(step: Step): Promise<void> {
  const child = spawn(process.execPath, step.args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  const said = collect(child);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, step.timeoutMs);
  const ended = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) =>
      resolve(code === 0 ? undefined : `ended with ${signal ?? `code ${code}`}`),
    );
  });
  clearTimeout(timer);
  if (ended === undefined) return;
  const how = timedOut ? `was stopped after ${step.timeoutMs / 1_000} s` : ended;
  throw new SetupError(
    `${step.doing} failed: bun ${step.args.join(" ")} in ${root} ${how}.\n${said().trim()}\n${step.advice}`,
  );
}

function collect(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (chunk: string) => {
      text = (text + chunk).slice(-OUTPUT_CHARS_MAX);
    });
  return () => text;
}

/** The second step's child process. Loads packages, which are there by now. */
async function prepareDatabaseTemplate(): Promise<void> {
  const { prepareTemplate } = await import("../db/mod.ts");
  const path = await prepareTemplate({ cacheDir, executable: process.execPath });
  await publish(join(cacheDir, "template.path"), path);
}

try {
  await (process.argv[2] === "template" ? prepareDatabaseTemplate() : setUp());
} catch (thrown) {
  console.error(thrown instanceof SetupError ? thrown.message : thrown);
  process.exit(1);
}
