import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { FromWorker, type ToWorker } from "./embedded-protocol.ts";
import { DatabaseFailure, reasonOf } from "./errors.ts";

/** The longest a first start may take on a slow disk, crash recovery included. */
const OPEN_TIMEOUT_MS = 60_000;
/** PGlite writes a checkpoint when it closes. */
const CLOSE_TIMEOUT_MS = 10_000;
/** postgres.js and PGlite agree on this name inside a socket folder. */
const SOCKET_FILE = ".s.PGSQL.5432";
const SOCKET_DIR_PREFIX = "tapeline-";

export interface EmbeddedServerOptions {
  /** The database's folder; it exists and was initialised. */
  readonly databaseDir: string;
  /** Called at most once, when the worker dies or fails after it was ready. Never called after `stop`. */
  readonly onFatal: (error: DatabaseFailure) => void;
  /** The worker's script; another one is of use to tests only. */
  readonly workerUrl?: URL | undefined;
}

/** An embedded database that answers on a unix socket inside `socketDir`. */
export interface EmbeddedServer {
  readonly socketDir: string;
  /** Closes the database, ends the worker and removes the socket. Bounded by a timeout; safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts the worker with the embedded database and waits until it accepts connections.
 * @throws {DatabaseFailure} step `open`.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions): Promise<EmbeddedServer> {
  const note = `${options.databaseDir}.socket`;
  const socketDir = await makeSocketDir(note);
  const worker = new Worker(options.workerUrl ?? new URL("./embedded-worker.ts", import.meta.url));
  const messages = new Messages(worker);
  const dispose = async () => {
    worker.terminate();
    await rm(socketDir, { recursive: true, force: true });
    await rm(note, { force: true });
  };
  try {
    await messages.ask(
      { kind: "open", databaseDir: options.databaseDir, socketPath: join(socketDir, SOCKET_FILE) },
      "ready",
      OPEN_TIMEOUT_MS,
    );
  } catch (thrown) {
    await dispose();
    throw new DatabaseFailure(
      "open",
      `opening the embedded database ${options.databaseDir} failed: ${reasonOf(thrown)}`,
      { cause: thrown },
    );
  }
  let stopping: Promise<void> | undefined;
  messages.onFailure((reason) => {
    if (stopping === undefined)
      options.onFatal(
        new DatabaseFailure(
          "run",
          `the embedded database ${options.databaseDir} stopped working: ${reason}; restart to recover from its log`,
        ),
      );
  });
  const stop = async () => {
    try {
      await messages.ask({ kind: "close" }, "closed", CLOSE_TIMEOUT_MS);
    } catch (thrown) {
      // Nothing committed is lost: the write-ahead log is replayed at the next start.
      throw new DatabaseFailure(
        "close",
        `closing the embedded database ${options.databaseDir} failed: ${reasonOf(thrown)}`,
        { cause: thrown },
      );
    } finally {
      await dispose();
    }
  };
  return {
    socketDir,
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}

/**
 * A folder for the socket, outside of the data directory: a unix socket's path may have 108 bytes, too few
 * for the folders that people keep data in. `note` remembers it, so that the next start removes it after a
 * crash; the caller holds the data directory's lock, so nobody uses the old one.
 */
async function makeSocketDir(note: string): Promise<string> {
  const former = await readFile(note, "utf8").catch(() => "");
  if (dirname(former) === tmpdir() && basename(former).startsWith(SOCKET_DIR_PREFIX))
    await rm(former, { recursive: true, force: true });
  const made = await mkdtemp(join(tmpdir(), SOCKET_DIR_PREFIX));
  await writeFile(note, made);
  return made;
}

/** Questions to the worker, one at a time, and the news of its death. */
class Messages {
  readonly #worker: Worker;
  #waiting:
    | { readonly kind: FromWorker["kind"]; readonly settle: (failure: string | undefined) => void }
    | undefined;
  #failure: string | undefined;
  #listener: ((reason: string) => void) | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.addEventListener("message", (received: MessageEvent<unknown>) => this.#receive(received.data));
    worker.addEventListener("error", (event: ErrorEvent) => this.#fail(event.message));
    worker.addEventListener("messageerror", () => this.#fail("it sent an unreadable message"));
    worker.addEventListener("close", () => this.#fail("its worker thread ended"));
  }

  /** Resolves when the worker answers `kind`; rejects when it fails, dies or takes longer than `timeoutMs`. */
  async ask(message: ToWorker, kind: FromWorker["kind"], timeoutMs: number): Promise<void> {
    if (this.#failure !== undefined) throw new Error(this.#failure);
    const answered = Promise.withResolvers<string | undefined>();
    const timer = setTimeout(
      () => answered.resolve(`no answer to "${message.kind}" within ${timeoutMs} ms`),
      timeoutMs,
    );
    this.#waiting = { kind, settle: answered.resolve };
    this.#worker.postMessage(message);
    const failure = await answered.promise;
    clearTimeout(timer);
    this.#waiting = undefined;
    if (failure !== undefined) throw new Error(failure);
  }

  /** Calls `listener` for the first failure, at once if it has happened already. */
  onFailure(listener: (reason: string) => void): void {
    this.#listener = listener;
    if (this.#failure !== undefined) listener(this.#failure);
  }

  #receive(data: unknown): void {
    const parsed = v.safeParse(FromWorker, data);
    if (!parsed.success) this.#fail(`it sent an unknown message: ${JSON.stringify(data)}`);
    else if (parsed.output.kind === "failed") this.#fail(parsed.output.message);
    else if (parsed.output.kind === this.#waiting?.kind) this.#waiting.settle(undefined);
  }

  #fail(reason: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    if (this.#waiting !== undefined) this.#waiting.settle(reason);
    else this.#listener?.(reason);
  }
}
