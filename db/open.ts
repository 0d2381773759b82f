import { join } from "node:path";
import { drizzle, type PostgresJsDatabase } from "drizzle-orm/postgres-js";
import postgres, { type Sql } from "postgres";
import { type EmbeddedServer, startEmbeddedServer } from "./embedded.ts";
import { DatabaseFailure, reasonOf } from "./errors.ts";
import type { DataDirLock } from "./lock.ts";
import { type MigrationReport, migrateDatabase } from "./migrate.ts";
import * as schema from "./schema.ts";
import { copyTemplate, exists, prepareTemplate, type TemplateOptions } from "./template.ts";

const POOL_SIZE = 8;
const CONNECT_TIMEOUT_S = 10;
const STATEMENT_TIMEOUT_MS = 30_000;
/** A transaction that stands still this long belongs to a process that hangs; its locks must go. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 60_000;
/** How long `close` waits for queries under way before it cuts them off. */
const END_TIMEOUT_S = 5;
const DATABASE_FOLDER = "db";

export type Drizzle = PostgresJsDatabase<typeof schema>;

/** An open database, up to date. One owner closes it. */
export interface Database {
  readonly kind: "embedded" | "postgres";
  readonly db: Drizzle;
  /**
   * The driver below `db`. drizzle has switched its conversions off: times come as text, and JSON
   * parameters are passed as text.
   */
  readonly sql: Sql;
  /**
   * A connection of its own, for what must not wait for a busy pool (heartbeats). The embedded database has one
   * session, and this is the same as `db`.
   */
  readonly aside: Drizzle;
  /** What opening it changed. */
  readonly migrated: MigrationReport;
  /** Waits a bounded time for running queries, then closes everything. Safe to call twice. */
  close(): Promise<void>;
}

export interface PostgresOptions {
  readonly url: string;
  /** Connections at most. Default 8. */
  readonly poolSize?: number | undefined;
  /** Default 30,000. */
  readonly statementTimeoutMs?: number | undefined;
}

export interface EmbeddedOptions {
  /** Held while the database is open; the caller releases it after `close`. */
  readonly lock: DataDirLock;
  readonly template: TemplateOptions;
  /** The embedded database died. Every query under way has been rejected; the process should stop. */
  readonly onFatal: (error: DatabaseFailure) => void;
  /** The worker's script; another one is of use to tests only. */
  readonly workerUrl?: URL | undefined;
}

/**
 * Opens a Postgres database and migrates it.
 * @throws {DatabaseFailure} step `open` or `migrate`.
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const migrator = connect(options.url, { max: 1, prepare: false });
  let migrated: MigrationReport;
  try {
    await probe(migrator, redacted(options.url));
    migrated = await migrateDatabase(migrator);
  } finally {
    await migrator.end({ timeout: END_TIMEOUT_S });
  }
  const session = {
    application_name: "tapeline",
    statement_timeout: options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
  };
  const sql = connect(options.url, { max: options.poolSize ?? POOL_SIZE, connection: session });
  const asideSql = connect(options.url, { max: 1, connection: session });
  return {
    kind: "postgres",
    db: drizzle(sql, { schema }),
    sql,
    aside: drizzle(asideSql, { schema }),
    migrated,
    close: once(async () => {
      await Promise.all([sql, asideSql].map((client) => client.end({ timeout: END_TIMEOUT_S })));
    }),
  };
}

/**
 * Opens the embedded database in `<dataDir>/db`, makes it on the first start, and migrates it.
 * @throws {DatabaseFailure} step `template`, `open` or `migrate`.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Database> {
  const databaseDir = join(options.lock.dataDir, DATABASE_FOLDER);
  if (!(await exists(databaseDir))) await copyTemplate(await prepareTemplate(options.template), databaseDir);
  let sql: Sql | undefined;
  const server = await startEmbeddedServer({
    databaseDir,
    workerUrl: options.workerUrl,
    onFatal: (error) => {
      // Ending the client rejects what waits for an answer that will never come.
      sql?.end({ timeout: 0 }).catch(() => undefined);
      options.onFatal(error);
    },
  });
  try {
    // PGlite is one session: more connections would only wait for each other.
    sql = connect(undefined, {
      host: server.socketDir,
      port: 5432,
      username: "postgres",
      database: "postgres",
      max: 1,
    });
    await probe(sql, databaseDir);
    const migrated = await migrateDatabase(sql);
    inTurn(sql);
    const db = drizzle(sql, { schema });
    return { kind: "embedded", db, sql, aside: db, migrated, close: closing(sql, server) };
  } catch (thrown) {
    await sql?.end({ timeout: 0 });
    await server.stop();
    throw thrown;
  }
}

function connect(url: string | undefined, options: postgres.Options<Record<string, never>>): Sql {
  const all = { connect_timeout: CONNECT_TIMEOUT_S, onnotice: () => undefined, ...options };
  return url === undefined ? postgres(all) : postgres(url, all);
}

/**
 * Has the transactions of a single connection begin one after the other. In the driver's own line several would stand one behind the
 * other, and a read behind all of them; so it waits for the one under way.
 */
function inTurn(sql: Sql): void {
  const begin = sql.begin;
  let last: Promise<unknown> = Promise.resolve();
  Object.assign(sql, {
    begin: (...how: Parameters<typeof begin>) => {
      const mine = last.then(() => begin(...how));
      last = mine.catch(() => undefined);
      return mine;
    },
  });
}

async function probe(sql: Sql, name: string): Promise<void> {
  try {
    await sql`select 1`;
  } catch (thrown) {
    throw new DatabaseFailure("open", `connecting to the database ${name} failed: ${reasonOf(thrown)}`, {
      cause: thrown,
    });
  }
}

function closing(sql: Sql, server: EmbeddedServer): () => Promise<void> {
  return once(async () => {
    try {
      await sql.end({ timeout: END_TIMEOUT_S });
    } finally {
      await server.stop();
    }
  });
}

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= action();
    return running;
  };
}

/** The address without its password. */
function redacted(url: string): string {
  try {
    const parsed = new URL(url);
    if (parsed.password !== "") parsed.password = "***";
    return parsed.href;
  } catch {
    return "DATABASE_URL (not a URL)";
  }
}
