/** `bun run work`: runs chunks beside a server, until it is told to stop. */
import { NoSharedDatabase, startWorker } from "../src/app/mod.ts";
import { ConfigError, readConfig } from "../src/config.ts";
import { createLogger, thisProcess } from "../src/runtime/mod.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** A stop that takes longer than this is cut off: the chunks under way go to others when their leases end. */
const STOP_TIMEOUT_MS = 15_000;

async function main(): Promise<number> {
  const config = readConfig(process.env);
  const log = createLogger({ level: config.logLevel, fd: 1 });
  const { promise: stopped, resolve: stop } = Promise.withResolvers<string>();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop(name));
  const worker = await startWorker({ config, process: thisProcess(), log });
  log.info({ tapeDir: config.tapeDir, parallel: config.backfill.parallel }, "working");
  log.info({ signal: await stopped }, "stopping");
  const cut = setTimeout(() => {
    log.error({}, `did not stop within ${STOP_TIMEOUT_MS} ms`);
    process.exit(EXIT_FAILED);
  }, STOP_TIMEOUT_MS);
  await worker.close();
  clearTimeout(cut);
  log.info({}, "stopped");
  return 0;
}

try {
  process.exit(await main());
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : String(thrown));
  process.exit(
    thrown instanceof ConfigError || thrown instanceof NoSharedDatabase ? EXIT_USAGE : EXIT_FAILED,
  );
}
