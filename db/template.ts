import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cp, mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { DatabaseFailure, reasonOf } from "./errors.ts";
import { errorCode, syncPath, syncTree } from "./files.ts";

/**
 * A freshly initialised embedded database, made once and copied for each data directory.
 *
 * initdb takes 3–5 s and 750–900 MB of memory, so it runs in a short-lived child process; the copy takes
 * about 0.1–0.5 s.
 */

/** Grows when the content of a template changes although PGlite's version does not. */
const TEMPLATE_REVISION = 1;
const CHILD_TIMEOUT_MS = 120_000;
const CHILD_SCRIPT = fileURLToPath(new URL("./prepare-template.ts", import.meta.url));

export interface TemplateOptions {
  /** Folder for prepared templates, shared by every data directory of this installation. */
  readonly cacheDir: string;
  /** The Bun that runs the child process. */
  readonly executable: string;
}

const PackageJson = v.object({ name: v.string(), version: v.string() });

/** Where the template of the installed PGlite version belongs inside a cache folder. */
export async function templatePath(cacheDir: string): Promise<string> {
  return join(cacheDir, `pglite-${await pgliteVersion()}-r${TEMPLATE_REVISION}`);
}

/**
 * Makes sure that the template exists and answers its path. Several processes may do so at once: each
 * builds under a name of its own, the first to rename wins.
 * @throws {DatabaseFailure} step `template`.
 */
export async function prepareTemplate(options: TemplateOptions): Promise<string> {
  const path = await templatePath(options.cacheDir);
  if (await exists(path)) return path;
  await mkdir(options.cacheDir, { recursive: true });
  const aside = `${path}.${randomUUID()}.tmp`;
  try {
    await runChild(options.executable, aside);
    await syncTree(aside);
    await publish(aside, path);
  } catch (thrown) {
    if (thrown instanceof DatabaseFailure) throw thrown;
    throw new DatabaseFailure(
      "template",
      `preparing the database template ${path} failed: ${reasonOf(thrown)}`,
      { cause: thrown },
    );
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
  return path;
}

/**
 * Makes `target` a copy of the template unless it exists. The caller holds the data directory's lock, so
 * left-overs of a copy that was cut off are nobody's and are removed.
 */
export async function copyTemplate(template: string, target: string): Promise<void> {
  const parent = dirname(target);
  const asidePrefix = `${target}.copy-`;
  for (const name of await readdir(parent)) {
    const path = join(parent, name);
    if (path.startsWith(asidePrefix)) await rm(path, { recursive: true, force: true });
  }
  if (await exists(target)) return;
  const aside = `${asidePrefix}${randomUUID()}`;
  await cp(template, aside, { recursive: true });
  await syncTree(aside);
  await rename(aside, target);
  await syncPath(parent);
}

export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return false;
    throw thrown;
  }
}

async function publish(aside: string, path: string): Promise<void> {
  try {
    await rename(aside, path);
  } catch (thrown) {
    const code = errorCode(thrown);
    if (code !== "ENOTEMPTY" && code !== "EEXIST") throw thrown;
  }
}

function runChild(executable: string, dir: string): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(
      executable,
      [CHILD_SCRIPT, dir],
      { timeout: CHILD_TIMEOUT_MS, killSignal: "SIGKILL" },
      (error, stdout, stderr) => {
        if (error === null) return resolve();
        const said = `${stdout}${stderr}`.trim().slice(-2_000);
        const what = error.killed
          ? `was stopped after ${CHILD_TIMEOUT_MS} ms`
          : `ended with code ${error.code ?? error.signal}`;
        reject(
          new DatabaseFailure(
            "template",
            `initialising an embedded database in ${dir} failed: the child process ${what}${said === "" ? "" : `; it said: ${said}`}`,
            {
              cause: error,
            },
          ),
        );
      },
    );
  });
}

/** The version in the package.json next to the installed PGlite. */
async function pgliteVersion(): Promise<string> {
  let folder = dirname(createRequire(import.meta.url).resolve("@electric-sql/pglite"));
  for (let up = 0; up < 4; up++, folder = dirname(folder)) {
    const path = join(folder, "package.json");
    if (!(await exists(path))) continue;
    const found = v.safeParse(PackageJson, JSON.parse(await readFile(path, "utf8")));
    if (found.success && found.output.name === "@electric-sql/pglite") return found.output.version;
  }
  throw new DatabaseFailure(
    "template",
    "cannot tell the version of @electric-sql/pglite: no package.json of that name found; reinstall the packages",
  );
}
