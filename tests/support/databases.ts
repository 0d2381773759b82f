import { afterAll, beforeAll, describe } from "bun:test";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import postgres from "postgres";
import {
  acquireDataDirLock,
  type Database,
  openEmbedded,
  openPostgres,
  type ProcessProbe,
  type TemplateOptions,
} from "../../db/mod.ts";
import { invariant } from "../../src/core/mod.ts";
import { postgresCluster } from "./postgres-cluster.ts";

/**
 * Empty, migrated databases for tests, of both kinds. The Postgres server starts once per test process; each
 * caller gets a database of its own in it. An embedded one is a data directory of its own.
 */
export const DATABASE_KINDS = ["embedded", "postgres"] as const;
export type DatabaseKind = (typeof DATABASE_KINDS)[number];

/** The very first call on a machine makes the embedded template (3–5 s, more when busy) or starts Postgres. */
export const OPEN_TIMEOUT_MS = 120_000;

export const templateOptions: TemplateOptions = {
  cacheDir: fileURLToPath(new URL("../../node_modules/.cache/tapeline", import.meta.url)),
  executable: process.execPath,
};

export const processProbe: ProcessProbe = {
  pid: process.pid,
  isAlive: (pid) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  },
};

/** An empty database; closing it removes it. */
export async function openTestDatabase(
  kind: DatabaseKind,
  options: { readonly poolSize?: number } = {},
): Promise<Database> {
  return kind === "embedded" ? openTestEmbedded() : openTestPostgres(options.poolSize);
}

/**
 * Runs `define` once per kind of database, each in a `describe` of its own. The database opens before its
 * tests and closes after them; `database()` answers it inside a test.
 */
export function describeDatabases(
  name: string,
  define: (database: () => Database, kind: DatabaseKind) => void,
): void {
  for (const kind of DATABASE_KINDS)
    describe(`${name} on ${kind}`, () => {
      let opened: Database | undefined;
      beforeAll(async () => {
        opened = await openTestDatabase(kind);
      }, OPEN_TIMEOUT_MS);
      afterAll(async () => {
        await opened?.close();
      }, OPEN_TIMEOUT_MS);
      define(() => {
        invariant(opened !== undefined, "the database is open while its tests run");
        return opened;
      }, kind);
    });
}

async function openTestEmbedded(): Promise<Database> {
  const dataDir = await mkdtemp(join(tmpdir(), "tapeline-test-"));
  const lock = await acquireDataDirLock(dataDir, processProbe);
  const database = await openEmbedded({
    lock,
    template: templateOptions,
    onFatal: (error) => {
      throw error;
    },
  });
  return {
    ...database,
    close: async () => {
      await database.close();
      await lock.release();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function openTestPostgres(poolSize: number | undefined): Promise<Database> {
  const cluster = await postgresCluster();
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await administer(cluster.urlOf("postgres"), `create database ${name}`);
  const database = await openPostgres({ url: cluster.urlOf(name), poolSize });
  return {
    ...database,
    close: async () => {
      await database.close();
      await administer(cluster.urlOf("postgres"), `drop database ${name} with (force)`);
    },
  };
}

async function administer(url: string, statement: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => undefined });
  try {
    await sql.unsafe(statement);
  } finally {
    await sql.end({ timeout: 5 });
  }
}
