import { afterEach, describe, expect, test } from "bun:test";
import { placeUpdate, UPDATES_WAITING_MAX } from "../../src/client/backfill-follow.ts";
import { type BackfillUpdate, Tapeline, TapelineError } from "../../src/client/mod.ts";
import { type JobFacts, type JobStatus, jobToWire } from "../../src/protocol/mod.ts";
import { fakeApp, JOB, JOB_ID } from "../http/fake-deps.ts";
import { until } from "../support/until.ts";
import { FakePush } from "./fake-push.ts";

const CHANNEL = `backfill:${JOB_ID}`;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** One job, its channel, and the HTTP interface that reads it. */
class Bench {
  job: JobFacts = JOB;
  offset = 3;
  epoch = "e1";
  readonly events: { readonly offset: number; readonly data: unknown }[] = [];
  readonly push: FakePush;
  readonly tapeline: Tapeline;
  readonly updates: BackfillUpdate[] = [];
  /** Reads of the job over HTTP. */
  reads = 0;

  constructor() {
    const { app } = fakeApp({
      backfill: {
        ...NOTHING_STARTED,
        job: () => {
          this.reads += 1;
          return this.job;
        },
      },
    });
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch });
    this.push = new FakePush(({ recover, offset, epoch }) => {
      const data = jobToWire(this.job);
      const position = { recoverable: true, positioned: true, epoch: this.epoch };
      if (recover !== true) return { subscribe: { ...position, offset: this.offset, data } };
      if (epoch !== this.epoch) return { error: { code: 112, message: "unrecoverable position" } };
      const publications = this.events.filter((event) => event.offset > Number(offset));
      return {
        subscribe: { ...position, offset, was_recovering: true, recovered: true, publications, data },
      };
    });
    this.tapeline = new Tapeline(server.url.href, { WebSocket: this.push.WebSocket });
    closing.push(
      () => this.tapeline.close(),
      () => server.stop(true),
    );
  }

  /** Follows the job into `updates`. */
  async follow(): Promise<{ readonly followed: Promise<void> }> {
    const followed = (async () => {
      for await (const update of this.tapeline.backfill(JOB_ID)) this.updates.push(update);
    })();
    followed.catch(() => undefined);
    await until("the snapshot", () => this.updates.length > 0);
    return { followed };
  }

  /** The job goes on; told only while `told`. */
  move(
    to: JobStatus,
    { told = true, ...change }: Partial<JobFacts> & { readonly told?: boolean } = {},
  ): void {
    const data = { job_id: JOB_ID, from: this.job.status, to, status: to, progress_pct: 50, at: AT };
    this.job = { ...this.job, ...change, status: to };
    this.offset += 1;
    this.events.push({ offset: this.offset, data });
    if (told) this.push.publish(CHANNEL, data, this.offset);
  }

  get told(): string[] {
    return this.updates.map(({ change, status }) =>
      change.kind === "transition"
        ? `${change.transition.from}>${change.transition.to}`
        : `${change.kind} ${status}${change.kind === "snapshot" && change.startedOver ? " anew" : ""}`,
    );
  }
}

const AT = "2026-01-03T12:34:56.789Z";
const NOTHING_STARTED = {
  submit: () => ({ kind: "accepted", jobId: JOB_ID, status: "pending" }) as const,
  recent: () => [],
  startup: () => ({
    status: "disabled" as const,
    running: false,
    chunksDone: 0,
    chunksTotal: 0,
    percentage: 0,
    etaSeconds: null,
  }),
};

function progress(chunks: number) {
  return {
    job_id: JOB_ID,
    status: "in_progress",
    progress_pct: 60,
    chunks_total: 144,
    chunks_done: chunks,
    chunks_failed: 0,
    total_records_fetched: 5,
    total_records_inserted: 4,
  };
}

describe("backfill()", () => {
  test("gives the job, its progress, each transition, and the last word when it has ended", async () => {
    const bench = new Bench();
    const { followed } = await bench.follow();
    bench.push.publish(CHANNEL, progress(61));
    await until("the progress", () => bench.updates.length === 2);
    bench.move("paused");
    bench.move("in_progress");
    bench.move("complete", { chunksDone: 144, completedAtMs: Date.parse(AT) });
    await followed;
    expect(bench.told).toEqual([
      "snapshot in_progress",
      "progress in_progress",
      "in_progress>paused",
      "paused>in_progress",
      "in_progress>complete",
    ]);
    expect(bench.updates.map(({ chunks_done }) => chunks_done)).toEqual([60, 61, 61, 61, 144]);
    const { change: _, ...last } = bench.updates.at(-1)!;
    expect(last).toEqual(jobToWire(bench.job));
    expect([bench.reads, bench.updates.every(Object.isFrozen)]).toEqual([1, true]);
    expect(bench.tapeline.backfill(JOB_ID).state).toBeUndefined();
  });

  test("what was missed while the connection was away is recovered, once and in order", async () => {
    const bench = new Bench();
    const { followed } = await bench.follow();
    bench.move("paused");
    await until("the first transition", () => bench.updates.length === 2);
    bench.push.close(3001, "shutdown");
    bench.move("in_progress", { told: false });
    bench.move("error", { told: false, error: "the venue is gone", chunksDone: 99 });
    await followed;
    expect(bench.told).toEqual([
      "snapshot in_progress",
      "in_progress>paused",
      "progress paused",
      "paused>in_progress",
      "in_progress>error",
    ]);
    expect(bench.updates.at(-1)).toMatchObject({ status: "error", chunks_done: 99 });
  });

  test("where that cannot be, it starts over from the job as it stands, and says so", async () => {
    const bench = new Bench();
    const { followed } = await bench.follow();
    bench.move("paused");
    await until("the first transition", () => bench.updates.length === 2);
    bench.epoch = "e2";
    bench.offset = 0;
    bench.job = { ...JOB, status: "pending" };
    bench.push.close(3001, "shutdown");
    await until("the new snapshot", () => bench.updates.length === 3);
    bench.move("in_progress");
    bench.move("cancelled");
    await followed;
    expect(bench.told.slice(1)).toEqual([
      "in_progress>paused",
      "snapshot pending anew",
      "pending>in_progress",
      "in_progress>cancelled",
    ]);
  });

  test("a hole in the offsets is never passed over: it starts over", async () => {
    const bench = new Bench();
    const { followed } = await bench.follow();
    bench.move("paused", { told: false });
    bench.move("in_progress", { told: false });
    bench.move("cancelled");
    await followed;
    expect(bench.told).toEqual(["snapshot in_progress", "snapshot cancelled anew"]);
  });

  test("a transition that comes twice is told once", async () => {
    const bench = new Bench();
    const { followed } = await bench.follow();
    bench.move("paused");
    bench.push.publish(CHANNEL, bench.events[0]?.data, bench.events[0]?.offset);
    bench.move("cancelled");
    await followed;
    expect(bench.told).toEqual(["snapshot in_progress", "in_progress>paused", "paused>cancelled"]);
  });

  test("a snapshot that is ahead of its position stands until the transitions have caught up", async () => {
    const bench = new Bench();
    bench.job = { ...JOB, status: "in_progress" };
    const { followed } = await bench.follow();
    const early = { job_id: JOB_ID, progress_pct: 0, at: AT };
    bench.push.publish(CHANNEL, { ...early, from: "idle", to: "pending", status: "pending" }, 4);
    bench.push.publish(CHANNEL, { ...early, from: "pending", to: "in_progress", status: "in_progress" }, 5);
    bench.offset = 5;
    bench.move("cancelled");
    await followed;
    expect(bench.told).toEqual([
      "snapshot in_progress",
      "idle>pending",
      "pending>in_progress",
      "in_progress>cancelled",
    ]);
    expect(bench.updates.map(({ status }) => status)).toEqual([
      "in_progress",
      "in_progress",
      "in_progress",
      "cancelled",
    ]);
  });

  test("a second follower joins with the job as it stands; both get every transition", async () => {
    const bench = new Bench();
    const { followed } = await bench.follow();
    bench.move("paused");
    await until("the first transition", () => bench.updates.length === 2);
    const heard: string[] = [];
    const ended = new Promise<void>((resolve) =>
      bench.tapeline
        .backfill(JOB_ID)
        .on(({ change, status }) => heard.push(`${change.kind} ${status}`), { onEnd: resolve }),
    );
    bench.move("cancelled");
    await Promise.all([followed, ended]);
    expect(heard).toEqual(["snapshot paused", "transition cancelled"]);
    expect(bench.push.asked).toHaveLength(1);
  });

  test("a job that has ended is told once", async () => {
    const bench = new Bench();
    bench.job = { ...JOB, status: "complete" };
    const job = await bench.tapeline.backfill(JOB_ID).ended({ timeoutMs: 10_000 });
    expect([job.status, job.change, bench.reads]).toEqual([
      "complete",
      { kind: "snapshot", startedOver: false },
      0,
    ]);
  });

  test("ended(), gives up after its time; close() ends a loop in an error, because the job has not ended", async () => {
    const bench = new Bench();
    const late = await bench.tapeline.backfill(JOB_ID).ended({ timeoutMs: 30 }).catch(kindOf);
    expect(late).toBe("timeout");
    const { followed } = await bench.follow();
    bench.tapeline.close();
    expect(await followed.catch(kindOf)).toBe("closed");
  });

  test("a signal and a return leave the channel", async () => {
    const bench = new Bench();
    const stop = new AbortController();
    const loop = async () => {
      for await (const _ of bench.tapeline.backfill(JOB_ID, { signal: stop.signal }))
        stop.abort(new Error("enough"));
    };
    expect(await loop().catch(String)).toBe("Error: enough");
    for await (const _ of bench.tapeline.backfill(JOB_ID)) break;
    await until("the channel to be left twice", () => bench.push.left.length === 2);
    const again = new AbortController();
    const errors: unknown[] = [];
    bench.tapeline
      .backfill(JOB_ID, { signal: again.signal })
      .on(() => again.abort(), { onError: (error) => errors.push(error) });
    await until("the channel to be left once more", () => bench.push.left.length === 3);
    await Bun.sleep(0);
    expect(errors).toEqual([]);
  });
});

test("placeUpdate(), keeps every transition and the newest progress, and refuses what would make a hole", () => {
  const update = (change: BackfillUpdate["change"], chunks: number): BackfillUpdate => ({
    ...jobToWire({ ...JOB, chunksDone: chunks }),
    change,
  });
  const transition = {
    kind: "transition",
    transition: {
      job_id: JOB_ID,
      from: "paused",
      to: "in_progress",
      status: "in_progress",
      progress_pct: 1,
      at: AT,
    },
  } as const;
  const waiting: BackfillUpdate[] = [];
  placeUpdate(waiting, update(transition, 1));
  placeUpdate(waiting, update({ kind: "progress" }, 2));
  placeUpdate(waiting, update({ kind: "progress" }, 3));
  placeUpdate(waiting, update(transition, 4));
  expect(waiting.map(({ chunks_done }) => chunks_done)).toEqual([1, 3, 4]);
  while (waiting.length < UPDATES_WAITING_MAX) placeUpdate(waiting, update(transition, 5));
  expect(() => placeUpdate(waiting, update(transition, 6))).toThrow("wait to be read");
  expect(waiting).toHaveLength(UPDATES_WAITING_MAX);
});

function kindOf(thrown: unknown): string {
  return thrown instanceof TapelineError ? thrown.kind : String(thrown);
}
