import { availableParallelism } from "node:os";
import { type DuckDBConnection, type DuckDBDataChunk, DuckDBInstance } from "@duckdb/node-api";
import { aborted, Gate } from "./gate.ts";
import type { GiveWay } from "./pace.ts";
import { messageOf, TapeError } from "./tape-error.ts";

/** Connections open at once; a reader that is slow to take its trades holds one. */
const CONNECTIONS_MAX = 6;
/** Tables being filled at once. One of a million trades takes 60 MB: five in parallel spilled and took twice as long. */
const WRITES_MAX = 1;
/** Calls that may wait for a connection, and native calls that may wait for a thread. */
const WAITERS_MAX = 512;
/** Between two tries to interrupt: DuckDB forgets an interrupt that comes before the query has begun. */
const INTERRUPT_EVERY_MS = 20;
/** Disk that sorts and aggregations beyond `memoryLimit` may use. */
const SPILL_MAX = "2GB";

export interface EngineOptions {
  /** The only directory that SQL can reach; absolute. */
  readonly dir: string;
  /** Where DuckDB spills to. */
  readonly spillDir: string;
  /** DuckDB's own limit, e.g. `256MB`. */
  readonly memoryLimit: string;
  readonly threads: number;
  /** Longest time for one native call, its wait for a turn included. */
  readonly timeoutMs: number;
  readonly giveWay: GiveWay;
}

/**
 * The one DuckDB instance of a tape. Native calls run on the runtime's small thread pool, which file and name
 * look-ups share: two long queries on a machine with two cores held up an fs.stat for 3.4 s. So at most
 * cores − 1 calls are on the pool at once (DuckDB's own threads do the rest), however many connections are open.
 */
export class Engine {
  readonly #instance: DuckDBInstance;
  readonly #options: EngineOptions;
  readonly #connections = new Gate(CONNECTIONS_MAX, WAITERS_MAX);
  readonly #native = new Gate(Math.max(1, availableParallelism() - 1), WAITERS_MAX);
  readonly #writes = new Gate(WRITES_MAX, WAITERS_MAX);
  readonly #closing = new AbortController();
  readonly #open = new Set<Session>();

  private constructor(instance: DuckDBInstance, options: EngineOptions) {
    this.#instance = instance;
    this.#options = options;
  }

  static async open(options: EngineOptions): Promise<Engine> {
    const instance = await DuckDBInstance.create(":memory:", {
      memory_limit: options.memoryLimit,
      threads: String(options.threads),
      temp_directory: options.spillDir,
      max_temp_directory_size: SPILL_MAX,
      // The page cache holds the files already; a second copy would only fill our own memory.
      enable_external_file_cache: "false",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
    });
    const connection = await instance.connect();
    try {
      await connection.run("SET GLOBAL TimeZone = 'UTC'");
      await connection.run(`SET GLOBAL allowed_directories = [${literal(options.dir)}]`);
      await connection.run("SET GLOBAL enable_external_access = false");
      await connection.run("SET GLOBAL lock_configuration = true");
    } catch (cause) {
      connection.closeSync();
      instance.closeSync();
      throw new TapeError("open", `DuckDB refused its settings: ${messageOf(cause)}`, { cause });
    }
    connection.closeSync();
    return new Engine(instance, options);
  }

  get giveWay(): GiveWay {
    return this.#options.giveWay;
  }

  /** A connection of one's own; the caller closes it. */
  async session(signal?: AbortSignal): Promise<Session> {
    const ends =
      signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
    const leave = await this.#connections.enter(this.#options.timeoutMs, ends);
    try {
      const connection = await this.#instance.connect();
      const session: Session = new Session(
        connection,
        this.#native,
        ends,
        this.#options.timeoutMs,
        this.giveWay,
        () => {
          this.#open.delete(session);
          leave();
        },
      );
      this.#open.add(session);
      return session;
    } catch (cause) {
      leave();
      throw cause;
    }
  }

  /** Runs `work` with a connection and closes it. */
  async with<T>(signal: AbortSignal | undefined, work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.session(signal);
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  }

  /** The same for work that fills a table: one at a time. */
  async withTable<T>(signal: AbortSignal | undefined, work: (session: Session) => Promise<T>): Promise<T> {
    const leave = await this.#writes.enter(this.#options.timeoutMs, this.#ends(signal));
    try {
      return await this.with(signal, work);
    } finally {
      leave();
    }
  }

  #ends(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal]);
  }

  /** Ends every running call and frees the instance. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new TapeError("closed", "the tape is closed"));
    await Promise.all([...this.#open].map((session) => session.close()));
    this.#instance.closeSync();
  }
}

/** One connection. Calls on it come one after the other. */
export class Session {
  readonly connection: DuckDBConnection;
  readonly signal: AbortSignal;
  readonly giveWay: GiveWay;
  readonly #native: Gate;
  readonly #timeoutMs: number;
  readonly #onClose: () => void;
  #running: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    connection: DuckDBConnection,
    native: Gate,
    signal: AbortSignal,
    timeoutMs: number,
    giveWay: GiveWay,
    onClose: () => void,
  ) {
    this.connection = connection;
    this.signal = signal;
    this.#native = native;
    this.#timeoutMs = timeoutMs;
    this.giveWay = giveWay;
    this.#onClose = onClose;
  }

  /** Runs a statement; answers the number of rows that it changed or copied. */
  async run(sql: string): Promise<number> {
    return this.call(async (connection) => (await connection.run(sql)).rowsChanged);
  }

  /** The chunks of a query, each up to 2,048 rows, as they are computed. */
  async *chunks(sql: string): AsyncGenerator<DuckDBDataChunk, void, undefined> {
    const result = await this.call((connection) => connection.stream(sql));
    for (;;) {
      const chunk = await this.call(() => result.fetchChunk());
      if (chunk === null || chunk.rowCount === 0) return;
      yield chunk;
    }
  }

  /** One native call: waits for its turn, is interrupted by the signal and by the time limit. */
  async call<T>(native: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    const began = performance.now();
    const leave = await this.#native.enter(this.#timeoutMs, this.signal);
    if (this.#closed) {
      leave();
      throw aborted(this.signal);
    }
    let stopped: TapeError | undefined;
    let nudge: ReturnType<typeof setInterval> | undefined;
    const stop = (error: TapeError): void => {
      if (stopped !== undefined) return;
      stopped = error;
      this.connection.interrupt();
      nudge = setInterval(() => this.connection.interrupt(), INTERRUPT_EVERY_MS);
    };
    const onAbort = (): void => stop(aborted(this.signal));
    const timer = setTimeout(
      () => stop(new TapeError("timeout", `a query on the tape took longer than ${this.#timeoutMs} ms`)),
      Math.max(1, this.#timeoutMs - (performance.now() - began)),
    );
    this.signal.addEventListener("abort", onAbort);
    const running = native(this.connection);
    this.#running = running;
    try {
      const answer = await running;
      if (stopped !== undefined) throw stopped;
      return answer;
    } catch (cause) {
      throw stopped ?? cause;
    } finally {
      clearTimeout(timer);
      clearInterval(nudge);
      this.signal.removeEventListener("abort", onAbort);
      leave();
    }
  }

  /** Waits for the call in flight, then drops the connection with its temporary tables. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Whoever made that call is told of its failure; here only its end matters.
    await this.#running.catch(() => undefined);
    this.connection.closeSync();
    this.#onClose();
  }
}

/** A SQL string literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
