import { afterEach, beforeEach, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sql } from "drizzle-orm";
import {
  acquireDataDirLock,
  type Database,
  DatabaseFailure,
  type DataDirLock,
  type EmbeddedOptions,
  openEmbedded,
  openPostgres,
  prepareTemplate,
} from "../../db/mod.ts";
import { createJobStore } from "../../src/backfill/job-store.ts";
import {
  describeDatabases,
  OPEN_TIMEOUT_MS,
  openTestDatabase,
  processProbe,
  templateOptions,
} from "../support/databases.ts";
import { postgresCluster } from "../support/postgres-cluster.ts";

const WRITER = fileURLToPath(new URL("../support/series-writer.ts", import.meta.url));
const CRASHING_WORKER = new URL("../support/crashing-database-worker.ts", import.meta.url);

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tapeline-open-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

async function withEmbedded(
  use: (database: Database, lock: DataDirLock) => Promise<void>,
  more: Partial<EmbeddedOptions> = {},
): Promise<void> {
  const lock = await acquireDataDirLock(dataDir, processProbe);
  const onFatal = (error: Error) => {
    throw error;
  };
  try {
    const database = await openEmbedded({ lock, template: templateOptions, onFatal, ...more });
    try {
      await use(database, lock);
    } finally {
      await database.close();
    }
  } finally {
    await lock.release();
  }
}

describeDatabases("an open database", (database, kind) => {
  test("has all tables, each migration applied", async () => {
    const rows = await database().sql<
      { name: string }[]
    >`select tablename as name from pg_tables where schemaname = 'public' order by 1`;
    expect(rows.map((row) => row.name)).toEqual([
      "backfill_chunk",
      "backfill_job",
      "backfill_part",
      "candle",
      "candle_coverage",
      "channel",
      "coverage",
      "event",
      "gap",
      "minute_mismatch",
      "schedule",
      "segment",
      "series",
      "webhook",
      "webhook_delivery",
    ]);
    expect(database().migrated.applied).toHaveLength(database().migrated.total);
    expect(database().kind).toBe(kind);
  });

  test("rolls a failed transaction back and goes on", async () => {
    const failing = database().sql.begin(async (tx) => {
      await tx`insert into channel (name, epoch) values ('gone', 'x')`;
      await tx`select 1 / 0`;
    });
    await expect(failing).rejects.toThrow("division by zero");
    expect(await database().sql`select from channel where name = 'gone'`).toHaveLength(0);
  });
});

test(
  "openEmbedded() finds on the second start what the first one wrote, and migrates nothing",
  async () => {
    await withEmbedded(async ({ sql }) => {
      await sql`insert into channel (name, epoch) values ('kept', 'x')`;
    });
    await withEmbedded(async ({ sql, migrated }) => {
      expect(migrated.applied).toEqual([]);
      expect(await sql`select from channel where name = 'kept'`).toHaveLength(1);
      expect((await sql<{ shared_buffers: string }[]>`show shared_buffers`)[0]?.shared_buffers).toBe("16MB");
    });
    expect(await readdir(dataDir)).toEqual(["db"]);
  },
  OPEN_TIMEOUT_MS,
);

test(
  "openEmbedded() removes the left-overs of a copy that was cut off",
  async () => {
    await mkdir(join(dataDir, "db.copy-left-over"));
    await withEmbedded(async () => undefined);
    expect(await readdir(dataDir)).toEqual(["db"]);
  },
  OPEN_TIMEOUT_MS,
);

test(
  "openEmbedded() of a damaged database fails with its folder and reason",
  async () => {
    await mkdir(join(dataDir, "db"));
    await writeFile(join(dataDir, "db/PG_VERSION"), "12");
    const thrown = await withEmbedded(async () => undefined).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(DatabaseFailure);
    expect(thrown).toMatchObject({ step: "open" });
    expect(String(thrown)).toContain(join(dataDir, "db"));
  },
  OPEN_TIMEOUT_MS,
);

test(
  "openEmbedded() tells its owner when the worker dies, and no query hangs",
  async () => {
    const fatal = Promise.withResolvers<DatabaseFailure>();
    const lock = await acquireDataDirLock(dataDir, processProbe);
    const database = await openEmbedded({
      lock,
      template: templateOptions,
      onFatal: fatal.resolve,
      workerUrl: CRASHING_WORKER,
    });
    const open = Promise.withResolvers<void>();
    const halfDone = database.sql.begin(async (tx) => {
      await tx`select 1`;
      open.resolve();
      await fatal.promise;
      await tx`select 2`;
    });
    const outcome = halfDone.then(
      () => "went through",
      () => "rejected",
    );
    await open.promise;
    await writeFile(join(dataDir, "db/crash"), "");
    const error = await fatal.promise;
    expect(error).toBeInstanceOf(DatabaseFailure);
    expect(error.message).toContain("told to crash");
    expect(await outcome).toBe("rejected");
    await expect(database.sql`select 1`.execute()).rejects.toThrow();
    await database.close().catch((thrown: unknown) => expect(thrown).toBeInstanceOf(DatabaseFailure));
    await lock.release();
  },
  OPEN_TIMEOUT_MS,
);

test(
  "the embedded database keeps every committed transaction through kill -9",
  async () => {
    const writer = spawn(process.execPath, [WRITER, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(writer, "exit");
    const said: string[] = [];
    for await (const line of createInterface({ input: writer.stdout })) {
      said.push(line);
      if (said.length === 200) writer.kill("SIGKILL");
    }
    await exited;
    const socketDir = await readFile(join(dataDir, "db.socket"), "utf8");
    expect(said.length).toBeGreaterThanOrEqual(200);
    await withEmbedded(async (database) => {
      const symbols = new Set((await createJobStore(database).listSeries()).map((series) => series.symbol));
      expect(said.filter((symbol) => !symbols.has(symbol))).toEqual([]);
    });
    expect(existsSync(socketDir)).toBe(false);
    expect(await readdir(dataDir)).toEqual(["db"]);
  },
  OPEN_TIMEOUT_MS,
);

test(
  "prepareTemplate() by several at once makes one whole template and leaves nothing else",
  async () => {
    const ready = await prepareTemplate(templateOptions);
    const cacheDir = join(dataDir, "cache");
    // Stands in for Bun and initdb: copies the ready one to where the child process should have built it.
    const executable = join(dataDir, "builder");
    await writeFile(executable, `#!/bin/sh\ncp -r "${ready}" "$2"\n`, { mode: 0o755 });
    const slow = { cacheDir, executable };
    const [first, second] = await Promise.all([prepareTemplate(slow), prepareTemplate(slow)]);
    expect(first).toBe(second);
    expect(await readdir(cacheDir)).toEqual([first.slice(cacheDir.length + 1)]);
    expect((await readdir(first)).sort()).toEqual((await readdir(ready)).sort());
  },
  OPEN_TIMEOUT_MS,
);

test("prepareTemplate() names what the child process said when it fails", async () => {
  const failing = prepareTemplate({ cacheDir: join(dataDir, "cache"), executable: "/bin/false" });
  await expect(failing).rejects.toThrow("ended with code 1");
  await failing.catch(() => undefined);
  expect(await readdir(join(dataDir, "cache"))).toEqual([]);
});

test(
  "openPostgres() by several processes at once migrates once",
  async () => {
    const first = await openTestDatabase("postgres");
    const [name] = await first.sql<{ name: string }[]>`select current_database() as name`;
    await first.sql`drop schema public cascade`;
    await first.sql`create schema public`;
    await first.sql`drop schema drizzle cascade`;
    const url = (await postgresCluster()).urlOf(name?.name ?? "");
    const opened = await Promise.all(Array.from({ length: 3 }, () => openPostgres({ url, poolSize: 1 })));
    expect(opened.map((database) => database.migrated.applied.length).sort()).toEqual([
      0,
      0,
      opened[0]?.migrated.total ?? -1,
    ]);
    await Promise.all(opened.map((database) => database.close()));
    await first.close();
  },
  OPEN_TIMEOUT_MS,
);

test(
  "openPostgres() of a server that is not there fails and hides the password",
  async () => {
    const thrown = await openPostgres({ url: "postgres://me:secret@127.0.0.1:1/none" }).catch(
      (error: unknown) => error,
    );
    expect(thrown).toBeInstanceOf(DatabaseFailure);
    expect(String(thrown)).toContain("127.0.0.1:1");
    expect(String(thrown)).not.toContain("secret");
  },
  OPEN_TIMEOUT_MS,
);

test(
  "openPostgres() bounds each statement",
  async () => {
    const outer = await openTestDatabase("postgres");
    const [name] = await outer.sql<{ name: string }[]>`select current_database() as name`;
    const database = await openPostgres({
      url: (await postgresCluster()).urlOf(name?.name ?? ""),
      statementTimeoutMs: 50,
    });
    await expect(database.sql`select pg_sleep(30)`.execute()).rejects.toThrow("statement timeout");
    await database.close();
    await outer.close();
  },
  OPEN_TIMEOUT_MS,
);

test(
  "openEmbedded(), a read has its turn between transactions that were asked for before it, and one that fails holds up none",
  async () =>
    withEmbedded(async (database) => {
      const order: string[] = [];
      const transaction = async (name: string) => {
        await database.db.transaction(async (tx) => {
          await tx.execute(sql`select 1`);
          await tx.execute(sql`select 2`);
          if (name === "first") throw new Error("the first fails");
        });
        order.push(name);
      };
      const read = async () => {
        await database.db.execute(sql`select 3`);
        order.push("read");
      };
      const failed = transaction("first").catch((error: unknown) => error);
      await Promise.all([transaction("second"), transaction("third"), read()]);
      expect(await failed).toEqual(new Error("the first fails"));
      expect(order).toContain("third");
      expect(order.indexOf("read")).toBeLessThan(order.indexOf("third"));
    }),
  OPEN_TIMEOUT_MS,
);
