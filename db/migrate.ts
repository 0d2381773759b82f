import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { drizzle } from "drizzle-orm/postgres-js";
import { migrate } from "drizzle-orm/postgres-js/migrator";
import type { Sql } from "postgres";
import * as v from "valibot";
import { DatabaseFailure, reasonOf } from "./errors.ts";

const MIGRATIONS_FOLDER = fileURLToPath(new URL("./migrations", import.meta.url));
/** Names the advisory lock that lets one process migrate at a time. Any fixed number does. */
const MIGRATION_LOCK = 8_273_546_353;
/** How long a start waits for another process that is migrating. */
const LOCK_TIMEOUT_MS = 60_000;

const Journal = v.object({ entries: v.array(v.object({ when: v.number(), tag: v.string() })) });
const LastApplied = v.array(v.object({ created_at: v.nullable(v.string()) }));

/** What a migration run did, oldest first. */
export interface MigrationReport {
  readonly applied: readonly string[];
  readonly total: number;
}

/**
 * Brings the database up to date, forward only, under an advisory lock. `client` must have one connection
 * only: the lock belongs to a connection.
 * @throws {DatabaseFailure} step `migrate`; the database is as it was before.
 */
export async function migrateDatabase(client: Sql): Promise<MigrationReport> {
  try {
    const { entries } = v.parse(
      Journal,
      JSON.parse(await readFile(join(MIGRATIONS_FOLDER, "meta/_journal.json"), "utf8")),
    );
    await client`select set_config('lock_timeout', ${`${LOCK_TIMEOUT_MS}`}, false)`;
    await client`select pg_advisory_lock(${MIGRATION_LOCK})`;
    try {
      const before = await lastApplied(client);
      await migrate(drizzle(client), { migrationsFolder: MIGRATIONS_FOLDER });
      return {
        applied: entries.filter((entry) => entry.when > before).map((entry) => entry.tag),
        total: entries.length,
      };
    } finally {
      await client`select pg_advisory_unlock(${MIGRATION_LOCK})`;
      await client`select set_config('lock_timeout', '0', false)`;
    }
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown;
    throw new DatabaseFailure(
      "migrate",
      `bringing the database up to date failed: ${reasonOf(cause)}; nothing was changed`,
      { cause: thrown },
    );
  }
}

/** Time stamp of the newest migration in the database; 0 before the first. */
async function lastApplied(client: Sql): Promise<number> {
  const table = await client`select to_regclass('drizzle.__drizzle_migrations')::text as name`;
  if (table[0]?.["name"] === null) return 0;
  const rows = await client`select max(created_at)::text as created_at from drizzle.__drizzle_migrations`;
  return Number(v.parse(LastApplied, [...rows])[0]?.created_at ?? 0);
}
