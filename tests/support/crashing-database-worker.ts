import { existsSync } from "node:fs";
import { join } from "node:path";
import "../../db/embedded-worker.ts";
import * as v from "valibot";
import { ToWorker } from "../../db/embedded-protocol.ts";

/** The worker of the embedded database, except that it dies when a file `crash` appears in the database's folder. */
declare const self: Worker;

const POLL_MS = 10;

self.addEventListener("message", (received: MessageEvent<unknown>) => {
  const message = v.parse(ToWorker, received.data);
  if (message.kind !== "open") return;
  setInterval(() => {
    if (existsSync(join(message.databaseDir, "crash"))) throw new Error("told to crash");
  }, POLL_MS);
});
