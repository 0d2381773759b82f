import { afterEach, beforeEach, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { acquireDataDirLock, DataDirBusy, findDataDirHolder } from "../../db/mod.ts";
import { processProbe } from "../support/databases.ts";

const CONTENDER = fileURLToPath(new URL("../support/lock-contender.ts", import.meta.url));

let dataDir: string;
const children: ChildProcess[] = [];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tapeline-lock-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    const ended = child.exitCode !== null || child.signalCode !== null ? undefined : once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  await rm(dataDir, { recursive: true, force: true });
});

interface Contender {
  readonly child: ChildProcess;
  readonly said: string;
}

async function contend(): Promise<Contender> {
  const child = spawn(process.execPath, [CONTENDER, dataDir], { stdio: ["pipe", "pipe", "inherit"] });
  children.push(child);
  for await (const said of createInterface({ input: child.stdout! })) return { child, said };
  throw new Error("the contender ended without a word");
}

/** Lock content of a process that cannot run: its id is beyond the largest that Linux gives. */
const stale = JSON.stringify({ id: "old", pid: 2 ** 30, started_at: "2026-01-01T00:00:00.000Z" });

test("acquireDataDirLock() refuses a second owner and names the first", async () => {
  const lock = await acquireDataDirLock(dataDir, processProbe);
  const refused = await acquireDataDirLock(dataDir, processProbe).catch((thrown: unknown) => thrown);
  expect(refused).toBeInstanceOf(DataDirBusy);
  expect(refused).toMatchObject({ pid: process.pid, url: undefined, dataDir });
  await lock.publish({ url: "http://127.0.0.1:8080" });
  expect(await findDataDirHolder(dataDir, processProbe)).toEqual({
    pid: process.pid,
    url: "http://127.0.0.1:8080",
    token: undefined,
  });
  expect(await acquireDataDirLock(dataDir, processProbe).catch((thrown: unknown) => thrown)).toMatchObject({
    url: "http://127.0.0.1:8080",
  });
  await lock.release();
  await lock.release();
  expect(await readdir(dataDir)).toEqual([]);
  expect(await findDataDirHolder(dataDir, processProbe)).toBeUndefined();
});

test("acquireDataDirLock() creates the folder", async () => {
  const lock = await acquireDataDirLock(join(dataDir, "a/b"), processProbe);
  expect(await readdir(join(dataDir, "a/b"))).toEqual(["tapeline.lock"]);
  await lock.release();
});

test("acquireDataDirLock() by processes at the same time is won by exactly one", async () => {
  const contenders = await Promise.all(Array.from({ length: 4 }, contend));
  const winners = contenders.filter(({ said }) => said === "won");
  expect(winners).toHaveLength(1);
  for (const { said } of contenders) if (said !== "won") expect(said).toBe(`busy ${winners[0]?.child.pid}`);
}, 60_000);

test("acquireDataDirLock() takes over a dead process's lock, and of several takers exactly one gets it", async () => {
  const [first] = await Promise.all([contend()]);
  expect(first.said).toBe("won");
  const gone = once(first.child, "exit");
  first.child.kill("SIGKILL");
  await gone;
  expect(await findDataDirHolder(dataDir, processProbe)).toBeUndefined();
  const takers = await Promise.all(Array.from({ length: 4 }, contend));
  expect(takers.filter(({ said }) => said === "won")).toHaveLength(1);
  expect(await readdir(dataDir)).toEqual(["tapeline.lock"]);
}, 60_000);

test("acquireDataDirLock() over a stale lock, many times at once in one process, has one winner each time", async () => {
  for (let round = 0; round < 30; round++) {
    await writeFile(join(dataDir, "tapeline.lock"), stale);
    const settled = await Promise.allSettled(
      Array.from({ length: 6 }, () => acquireDataDirLock(dataDir, processProbe)),
    );
    const winners = settled.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect(winners).toHaveLength(1);
    for (const outcome of settled)
      if (outcome.status === "rejected") expect(outcome.reason).toBeInstanceOf(DataDirBusy);
    await winners[0]?.release();
  }
  expect(await readdir(dataDir)).toEqual([]);
}, 60_000);

test("acquireDataDirLock() gets past a take-over that was cut off by a crash", async () => {
  const path = join(dataDir, "tapeline.lock");
  await writeFile(path, stale);
  const { createHash } = await import("node:crypto");
  await writeFile(`${path}.${createHash("sha256").update(stale).digest("hex").slice(0, 16)}`, stale);
  const lock = await acquireDataDirLock(dataDir, processProbe);
  expect(await readdir(dataDir)).toEqual(["tapeline.lock"]);
  await lock.release();
});

test("acquireDataDirLock() takes over an unreadable lock", async () => {
  await writeFile(join(dataDir, "tapeline.lock"), "{");
  const lock = await acquireDataDirLock(dataDir, processProbe);
  expect(JSON.parse(await readFile(join(dataDir, "tapeline.lock"), "utf8"))).toMatchObject({
    pid: process.pid,
  });
  await lock.release();
});

test.if(process.platform === "linux")(
  "acquireDataDirLock() notices that a pid was given to another process",
  async () => {
    const impostor = {
      id: "old",
      pid: process.pid,
      started_at: "2026-01-01T00:00:00.000Z",
      process: "another-boot:1",
    };
    await writeFile(join(dataDir, "tapeline.lock"), JSON.stringify(impostor));
    const lock = await acquireDataDirLock(dataDir, processProbe);
    await lock.release();
  },
);

test("publish() refuses when the lock was taken away by hand, and release() leaves a stranger's lock alone", async () => {
  const lock = await acquireDataDirLock(dataDir, processProbe);
  await writeFile(join(dataDir, "tapeline.lock"), stale);
  await expect(lock.publish({ url: "http://x" })).rejects.toThrow("no longer ours");
  await lock.release();
  expect(await readFile(join(dataDir, "tapeline.lock"), "utf8")).toBe(stale);
});
