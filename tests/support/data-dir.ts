import { fileURLToPath } from "node:url";
import { acquireDataDirLock, openEmbedded } from "../../db/mod.ts";
import { createJobStore, type JobStore } from "../../src/backfill/mod.ts";
import { thisProcess } from "../../src/runtime/mod.ts";

const TEMPLATE_CACHE = fileURLToPath(new URL("../../node_modules/.cache/tapeline", import.meta.url));

/** Opens the embedded database of a data directory that no process holds, for one look. */
export async function lookInto<T>(dataDir: string, look: (jobs: JobStore) => Promise<T>): Promise<T> {
  const host = thisProcess();
  const lock = await acquireDataDirLock(dataDir, host);
  try {
    const fatal = Promise.withResolvers<never>();
    const database = await openEmbedded({
      lock,
      template: { cacheDir: TEMPLATE_CACHE, executable: host.executable },
      onFatal: fatal.reject,
    });
    try {
      return await Promise.race([look(createJobStore(database)), fatal.promise]);
    } finally {
      await database.close();
    }
  } finally {
    await lock.release();
  }
}
