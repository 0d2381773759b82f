import * as v from "valibot";
import { createHttpApp } from "../../src/http/mod.ts";
import {
  type JobCommand,
  type JobFacts,
  type JobStatus,
  type JobTransition,
  jobHasEnded,
  levelSetToWire,
  parseCommands,
  subscribeReply,
  subscribeResult,
  summaryOf,
} from "../../src/protocol/mod.ts";
import { NO_SCHEDULES, NO_WEBHOOKS, SMALL_CACHE } from "../http/no-automation.ts";
import { NO_BARS, NO_SYMBOLS } from "../http/no-bars.ts";
import { NO_WINDOWS } from "../http/no-windows.ts";
import { SOME_UPKEEP } from "../http/some-upkeep.ts";
import { SESSION, someLevelSet, someProfile } from "../protocol/known-sets.ts";

export const JOB_ID = "0190b8a4-0000-7000-8000-000000000001";
/** Commands of one message. */
const COMMANDS_MAX = 200;
export const JOB_CHANNEL = `backfill:${JOB_ID}`;
export const LEVELS_CHANNEL = "levels:binance:BTCUSDT@2026-01-02";
const NOW_MS = Date.parse("2026-01-03T12:34:56.789Z");

const SubscribeFields = v.object({
  channel: v.string(),
  recover: v.optional(v.boolean()),
  offset: v.optional(v.number()),
  epoch: v.optional(v.string()),
});

/** The real HTTP app over one job that the test moves, beside pushes that the test sends. */
export class FakeServer {
  readonly url: string;
  /** Every subscribe command, as it came. */
  readonly subscribes: v.InferOutput<typeof SubscribeFields>[] = [];
  readonly submitted: unknown[] = [];
  /** Every command, as it came. */
  readonly commands: JobCommand[] = [];
  /** What the next commands are refused with. */
  refusal: { readonly state: JobStatus; readonly why: string } | undefined;
  pongs = 0;
  /** Requests that waited for a change. */
  heldBack = 0;
  job: JobFacts;
  /** Answers 502 without a problem document while true. */
  failing = false;
  failures = 0;
  readonly #server: Bun.Server<undefined>;
  readonly #sockets = new Set<Bun.ServerWebSocket<undefined>>();
  readonly #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];
  #offset = 0;

  constructor({ pushes = true }: { pushes?: boolean } = {}) {
    this.job = jobAt("in_progress", 60);
    const app = createHttpApp({
      levels: {
        levelSet: ({ symbol }) =>
          symbol === undefined || symbol.symbol === "BTCUSDT"
            ? { kind: "found", set: someLevelSet({ covered: 1440 }), backfill: null }
            : { kind: "unknown_symbol", symbol: symbol.symbol },
        profile: ({ symbol, range, method }) =>
          symbol.symbol === "BTCUSDT"
            ? { kind: "found", profile: { ...someProfile({ range }), method: method ?? "ranked" } }
            : { kind: "unknown_symbol", symbol: symbol.symbol },
      },
      backfill: {
        submit: (request) => {
          this.submitted.push(request);
          this.#look();
          return { kind: "accepted", jobId: JOB_ID, status: "pending" };
        },
        job: (id) => (id === JOB_ID ? this.job : undefined),
        recent: () => [summaryOf(this.job)],
        startup: () => ({
          status: "complete",
          running: false,
          chunksDone: 4,
          chunksTotal: 4,
          percentage: 100,
          etaSeconds: null,
        }),
      },
      control: {
        tell: (id, command) => {
          this.commands.push(command);
          if (id !== JOB_ID) return { kind: "unknown" };
          return this.refusal === undefined
            ? { kind: "told", job: this.job }
            : { kind: "refused", ...this.refusal };
        },
      },
      waits: {
        job: async (_id, { since }, { signal }) => {
          this.heldBack++;
          this.#look();
          const holds = () => jobHasEnded(this.job.status) || (since ?? Number.MAX_VALUE) < this.job.version;
          await this.until(() => signal.aborted || holds());
          return { kind: "look" };
        },
        startup: () => ({ kind: "look" }),
      },
      cache: SMALL_CACHE,
      schedules: NO_SCHEDULES,
      webhooks: NO_WEBHOOKS,
      windows: NO_WINDOWS,
      bars: NO_BARS,
      symbols: NO_SYMBOLS,
      upkeep: SOME_UPKEEP,
      session: () => ({
        symbol: "binance:BTCUSDT",
        session: SESSION.name,
        sessionOpen: true,
        sessionRange: SESSION.range,
        tradingEnabled: true,
        precision: "PRECISE",
      }),
      nowMs: () => NOW_MS,
      requestId: () => "request",
      log: { error: () => {} },
      defaultVenue: "binance",
      version: "0",
    });
    this.#server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, server) => {
        if (new URL(request.url).pathname === "/connection/websocket")
          return pushes && server.upgrade(request) ? undefined : new Response(null, { status: 404 });
        if (!this.failing) return app.fetch(request);
        this.failures++;
        this.#look();
        return new Response("bad gateway", { status: 502 });
      },
      websocket: {
        open: (socket) => {
          this.#sockets.add(socket);
        },
        message: (socket, message) => this.#receive(socket, String(message)),
        close: (socket) => {
          this.#sockets.delete(socket);
        },
      },
    });
    this.url = `http://127.0.0.1:${this.#server.port}`;
  }

  /** Moves the job and tells it as a transition, when it is one. */
  move(status: JobStatus, done: number, options: { told?: boolean; failed?: boolean } = {}): void {
    const from = this.job.status;
    this.job = { ...jobAt(status, done, options.failed === true), version: this.job.version + 1 };
    this.#look();
    if (options.told === false) return;
    const transition: JobTransition = {
      job_id: JOB_ID,
      from,
      to: status,
      status,
      progress_pct: 50,
      at: "2026-01-03T12:00:00.000Z",
    };
    this.push(JOB_CHANNEL, { data: transition, offset: ++this.#offset });
  }

  push(channel: string, pub: { data: unknown; offset?: number }): void {
    for (const socket of this.#sockets) socket.send(JSON.stringify({ push: { channel, pub } }));
  }

  ping(): void {
    for (const socket of this.#sockets) socket.send("{}");
  }

  /** Closes every connection with `code`. */
  hangUp(code: number): void {
    for (const socket of this.#sockets) socket.close(code, "test");
  }

  /** Once there were `count` subscriptions in all. */
  subscribed(count: number): Promise<void> {
    return this.until(() => this.subscribes.length >= count);
  }

  /** Once `holds`; looked at after every message, submission and failure. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ holds, resolve });
      this.#look();
    });
  }

  async stop(): Promise<void> {
    await this.#server.stop(true);
  }

  #receive(socket: Bun.ServerWebSocket<undefined>, message: string): void {
    const parsed = parseCommands(message, COMMANDS_MAX);
    if (parsed.kind === "malformed") throw new Error(parsed.reason);
    for (const command of parsed.commands) {
      if (command.kind === "pong") this.pongs++;
      else if (command.kind === "connect")
        socket.send(
          JSON.stringify({ id: command.id, connect: { client: "c", version: "0", ping: 25, pong: true } }),
        );
      else if (command.kind === "subscribe") {
        this.subscribes.push(v.parse(SubscribeFields, command.request));
        socket.send(this.#subscribeAnswer(command.id, command.request.channel));
      }
    }
    this.#look();
  }

  #subscribeAnswer(id: number, channel: string): string {
    if (channel === JOB_CHANNEL)
      return subscribeReply(
        id,
        subscribeResult({ recoverable: true, positioned: true, epoch: "e", offset: this.#offset }),
      );
    const data = JSON.stringify(levelSetToWire(someLevelSet({ covered: 10 }), null));
    return subscribeReply(id, subscribeResult({}, { data }));
  }

  #look(): void {
    for (const { holds, resolve } of this.#waiting) if (holds()) resolve();
  }
}

function jobAt(status: JobStatus, done: number, failed = false): JobFacts {
  const symbol = {
    chunksTotal: 144,
    chunksDone: done,
    chunksFailed: 0,
    recordsFetched: done * 100,
    recordsInserted: done * 100,
    recordsUpdated: 0,
    recordsUnchanged: 0,
  };
  const of = { ...symbol, symbol: "binance:BTCUSDT", timeframe: null, status, error: null };
  const lost = {
    ...symbol,
    timeframe: null,
    symbol: "binance:NOPE",
    status: "error",
    error: "binance does not know NOPE",
  } as const;
  return {
    ...symbol,
    jobId: JOB_ID,
    status,
    version: 1,
    chunksCancelled: 0,
    deadlineAtMs: null,
    priority: 0,
    maxParallel: 4,
    startMs: Date.parse("2026-01-02T00:00:00Z"),
    endMs: Date.parse("2026-01-03T00:00:00Z"),
    createdAtMs: NOW_MS,
    startedAtMs: NOW_MS,
    completedAtMs: status === "complete" ? NOW_MS : null,
    etaSeconds: 12,
    error: null,
    symbols: failed ? [of, lost] : [of],
  };
}
