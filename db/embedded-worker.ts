import { PGlite } from "@electric-sql/pglite";
import { btree_gist } from "@electric-sql/pglite/contrib/btree_gist";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import * as v from "valibot";
import { type FromWorker, ToWorker } from "./embedded-protocol.ts";
import { reasonOf } from "./errors.ts";

/**
 * Entry point of the worker thread that runs the embedded database, so that its WebAssembly never blocks
 * the server's event loop (measured: stalls there stay below 9 ms). It speaks Postgres' own protocol on a
 * unix socket.
 */

declare const self: Worker;

/** postgres.js holds one connection; the others are for its reconnect and for a person with psql. */
const CONNECTIONS_MAX = 4;

let running: { readonly database: PGlite; readonly server: PGLiteSocketServer } | undefined;

async function open(databaseDir: string, socketPath: string): Promise<void> {
  const database = await PGlite.create({ dataDir: databaseDir, extensions: { btree_gist } });
  const server = new PGLiteSocketServer({ db: database, path: socketPath, maxConnections: CONNECTIONS_MAX });
  await server.start();
  running = { database, server };
}

async function close(): Promise<void> {
  await running?.server.stop();
  await running?.database.close();
  running = undefined;
}

function answer(message: FromWorker): void {
  self.postMessage(message);
}

self.onmessage = async (received: MessageEvent<unknown>) => {
  try {
    const message = v.parse(ToWorker, received.data);
    if (message.kind === "open") {
      await open(message.databaseDir, message.socketPath);
      answer({ kind: "ready" });
    } else {
      await close();
      answer({ kind: "closed" });
    }
  } catch (thrown) {
    answer({ kind: "failed", message: reasonOf(thrown) });
  }
};
