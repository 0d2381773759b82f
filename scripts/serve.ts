/** `bun run start`: serves until it is told to stop. */
import { DataDirBusy } from "../db/mod.ts";
import { startApp } from "../src/app/mod.ts";
import { ConfigError, readConfig } from "../src/config.ts";
import { createLogger, thisProcess } from "../src/runtime/mod.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
/** A stop that takes longer than this is cut off: everything committed is safe, the rest is fetched again. */
const STOP_TIMEOUT_MS = 15_000;

async function main(): Promise<number> {
  const config = readConfig(process.env);
  const log = createLogger({ level: config.logLevel, fd: 1 });
  const { promise: ended, resolve: end } = Promise.withResolvers<number>();
  const app = await startApp({
    config,
    duties: { follow: true },
    process: thisProcess(),
    log,
    onFatal: (error) => {
      log.fatal({ err: error }, "cannot go on");
      end(EXIT_FAILED);
    },
  });
  log.info(
    { url: app.url, symbols: config.symbols.map(({ symbol }) => symbol), dataDir: config.dataDir },
    "listening",
  );
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      log.info({ signal: name }, "stopping");
      end(0);
    });
  }
  const code = await ended;
  const cut = setTimeout(() => {
    log.error({}, `did not stop within ${STOP_TIMEOUT_MS} ms`);
    process.exit(EXIT_FAILED);
  }, STOP_TIMEOUT_MS);
  await app.close();
  clearTimeout(cut);
  log.info({}, "stopped");
  return code;
}

try {
  process.exit(await main());
} catch (thrown) {
  if (thrown instanceof ConfigError) {
    console.error(thrown.message);
    process.exit(EXIT_USAGE);
  }
  console.error(thrown instanceof DataDirBusy || thrown instanceof Error ? thrown.message : String(thrown));
  process.exit(EXIT_FAILED);
}
