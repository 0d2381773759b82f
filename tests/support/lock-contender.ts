import { acquireDataDirLock, DataDirBusy } from "../../db/mod.ts";
import { processProbe } from "./databases.ts";

/** Tries to take the lock of the folder in its first argument, says `won` or `busy PID`, and ends when its input does. */
const dataDir = process.argv[2] ?? "";
try {
  const lock = await acquireDataDirLock(dataDir, processProbe);
  await lock.publish({ url: `http://127.0.0.1:${process.pid}` });
  console.log("won");
} catch (thrown) {
  if (!(thrown instanceof DataDirBusy)) throw thrown;
  console.log(`busy ${thrown.pid}`);
}
for await (const _ of process.stdin);
process.exit(0);
