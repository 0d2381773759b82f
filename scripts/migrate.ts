import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  acquireDataDirLock,
  type Database,
  DatabaseFailure,
  DataDirBusy,
  openEmbedded,
  openPostgres,
} from "../db/mod.ts";
import { ConfigError, readConfig } from "../src/config.ts";

/**
 * Brings the database up to date and prints what was done. `DATABASE_URL` names a Postgres; without it the
 * embedded database in `DATA_DIR` (default `.data`) is meant. A server does the same when it starts.
 * Exit: 0 up to date, 1 failed, 2 wrong configuration.
 */

async function withDatabase(use: (database: Database) => void): Promise<void> {
  const { databaseUrl, dataDir } = readConfig(process.env);
  if (databaseUrl !== null) {
    const database = await openPostgres({ url: databaseUrl, poolSize: 1 });
    use(database);
    return database.close();
  }
  const lock = await acquireDataDirLock(resolve(dataDir), {
    pid: process.pid,
    isAlive,
  });
  try {
    const database = await openEmbedded({
      lock,
      template: {
        cacheDir: fileURLToPath(new URL("../node_modules/.cache/tapeline", import.meta.url)),
        executable: process.execPath,
      },
      onFatal: (error) => {
        console.error(error.message);
        process.exit(1);
      },
    });
    use(database);
    await database.close();
  } finally {
    await lock.release();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
  }
}

try {
  await withDatabase(({ kind, migrated }) => {
    for (const name of migrated.applied) console.log(`applied ${name}`);
    console.log(
      `${kind} database is up to date: ${migrated.total} migrations, ${migrated.applied.length} of them new`,
    );
  });
} catch (thrown) {
  const expected = [DatabaseFailure, DataDirBusy, ConfigError].some((kind) => thrown instanceof kind);
  if (!expected || !(thrown instanceof Error)) throw thrown;
  console.error(thrown.message);
  process.exitCode = thrown instanceof ConfigError ? 2 : 1;
}
