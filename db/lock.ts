import { createHash, randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { DatabaseFailure, DataDirBusy } from "./errors.ts";
import { errorCode } from "./files.ts";

/**
 * One process owns a data directory at a time: `<dataDir>/tapeline.lock`.
 *
 * The file appears whole (written aside, then hard-linked, which fails if the name exists). A lock whose
 * process is gone is stale; whoever wants to replace it must first hold a second lock named after the stale
 * content, so of any number of processes that see the same stale lock exactly one replaces it, and one that
 * looked earlier finds other content and starts over. That second lock may be left behind by a crash too;
 * it is taken over by the same rule, one level deeper.
 */

const LOCK_FILE = "tapeline.lock";
/** Others may see who holds the directory, but not the token of its owner. */
const MODE = 0o644;
const SECRET_MODE = 0o600;
/** Times an attempt starts over because the lock changed under its eyes. */
const ATTEMPTS_MAX = 50;
/** Crashes in the middle of a take-over that may lie on top of each other. */
const DEPTH_MAX = 8;

const LockContent = v.object({
  id: v.string(),
  pid: v.pipe(v.number(), v.integer()),
  started_at: v.string(),
  process: v.optional(v.string()),
  url: v.optional(v.string()),
  token: v.optional(v.string()),
});
type LockContent = v.InferOutput<typeof LockContent>;

/** What the lock must know about processes; the runtime gives it. */
export interface ProcessProbe {
  readonly pid: number;
  /** Whether a process with this id runs. Asked only where there is no `/proc`. */
  isAlive(pid: number): boolean;
}

/** The right to use a data directory. Its owner releases it last of all. */
export interface DataDirLock {
  readonly dataDir: string;
  /**
   * Writes the address at which this process serves into the lock, atomically. With a token, which lets whoever reads it do everything
   * there, nobody but the owner of the file may read it.
   */
  publish(facts: { readonly url: string; readonly token?: string | undefined }): Promise<void>;
  /** Gives the directory free. Safe to call twice. */
  release(): Promise<void>;
}

/** Who holds a lock file. */
export interface LockHolder {
  readonly pid: number;
  readonly url: string | undefined;
  /** What the server at `url` takes from commands of its own user; undefined when it asks nobody. */
  readonly token: string | undefined;
}

/**
 * Takes the lock of a data directory, which is created when missing.
 * @throws {DataDirBusy} when another live process holds it.
 */
export async function acquireDataDirLock(dataDir: string, processes: ProcessProbe): Promise<DataDirLock> {
  await mkdir(dataDir, { recursive: true });
  const path = join(dataDir, LOCK_FILE);
  const own: LockContent = {
    id: randomUUID(),
    pid: processes.pid,
    started_at: new Date().toISOString(),
    ...optional("process", await processKey(processes.pid)),
  };
  const holder = await claim(path, JSON.stringify(own), processes, 0);
  if (holder !== undefined) throw new DataDirBusy(dataDir, holder.pid, holder.url);
  let content = own;
  let released = false;
  const owned = async () => !released && parse(await read(path))?.id === own.id;
  return {
    dataDir,
    publish: async ({ url, token }) => {
      if (!(await owned()))
        throw new DatabaseFailure(
          "run",
          `cannot publish ${url}: the lock ${path} is no longer ours; was it deleted by hand?`,
        );
      content = { ...content, url, ...optional("token", token) };
      const mode = token === undefined ? MODE : SECRET_MODE;
      const aside = await writeAside(path, JSON.stringify(content), mode);
      await rename(aside, path);
    },
    release: async () => {
      if (await owned()) await rm(path, { force: true });
      released = true;
    },
  };
}

/** The live process that holds a data directory, or undefined when none does. Changes nothing. */
export async function findDataDirHolder(
  dataDir: string,
  processes: ProcessProbe,
): Promise<LockHolder | undefined> {
  const content = parse(await read(join(dataDir, LOCK_FILE)));
  return content !== undefined && (await isLive(content, processes)) ? holderOf(content) : undefined;
}

/** Puts `text` at `path` if nobody alive holds it. Answers the holder who does, or undefined for success. */
async function claim(
  path: string,
  text: string,
  processes: ProcessProbe,
  depth: number,
): Promise<LockHolder | undefined> {
  if (depth > DEPTH_MAX)
    throw new DatabaseFailure(
      "open",
      `cannot take over the stale lock ${path}: more than ${DEPTH_MAX} take-overs were cut off; remove it by hand`,
    );
  const aside = await writeAside(path, text);
  try {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      try {
        await link(aside, path);
        return undefined;
      } catch (thrown) {
        if (errorCode(thrown) !== "EEXIST") throw thrown;
      }
      const found = await read(path);
      if (found === undefined) continue;
      const holder = parse(found);
      if (holder !== undefined && (await isLive(holder, processes))) return holderOf(holder);
      const guard = `${path}.${createHash("sha256").update(found).digest("hex").slice(0, 16)}`;
      if ((await claim(guard, text, processes, depth + 1)) !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      try {
        if ((await read(path)) !== found) continue;
        await rename(aside, path);
        return undefined;
      } finally {
        await rm(guard, { force: true });
      }
    }
  } finally {
    await rm(aside, { force: true });
  }
  throw new DatabaseFailure(
    "open",
    `cannot take the lock ${path}: it changed hands ${ATTEMPTS_MAX} times while we tried`,
  );
}

async function writeAside(path: string, text: string, mode = MODE): Promise<string> {
  const aside = `${path}.${randomUUID()}.tmp`;
  const handle = await open(aside, "wx", mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return aside;
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (errorCode(thrown) === "ENOENT") return undefined;
    throw thrown;
  }
}

/** Undefined for a missing file and for one that is no lock of ours (it counts as stale). */
function parse(text: string | undefined): LockContent | undefined {
  if (text === undefined) return undefined;
  try {
    const result = v.safeParse(LockContent, JSON.parse(text));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}

function holderOf(content: LockContent): LockHolder {
  return { pid: content.pid, url: content.url, token: content.token };
}

async function isLive(content: LockContent, processes: ProcessProbe): Promise<boolean> {
  const ours = await processKey(processes.pid);
  if (ours === undefined) return processes.isAlive(content.pid);
  const theirs = await processKey(content.pid);
  return theirs !== undefined && (content.process === undefined || content.process === theirs);
}

/**
 * Names a process for good: boot id and start time in clock ticks since boot, so that a pid that was given
 * to another process is noticed. Undefined when the process is gone (or there is no `/proc` here).
 */
async function processKey(pid: number): Promise<string | undefined> {
  try {
    const [boot, stat] = await Promise.all([
      readFile("/proc/sys/kernel/random/boot_id", "utf8"),
      readFile(`/proc/${pid}/stat`, "utf8"),
    ]);
    // proc(5): after the parenthesised name come the state (field 3) and, as field 22, the start time.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const state = fields[0];
    return state === "Z" || state === "X" ? undefined : `${boot.trim()}:${fields[19]}`;
  } catch {
    return undefined;
  }
}

function optional<K extends string, T>(key: K, value: T | undefined): { [P in K]?: T } {
  const made: { [P in K]?: T } = {};
  if (value !== undefined) made[key] = value;
  return made;
}
