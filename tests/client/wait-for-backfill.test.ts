import { afterEach, expect, test } from "bun:test";
import { BackfillWaitError, waitForBackfill } from "../../src/client/mod.ts";
import { EVERYTHING, type JobFacts, type JobStatus, jobHasEnded } from "../../src/protocol/mod.ts";
import { fakeApp, JOB, JOB_ID } from "../http/fake-deps.ts";

const LONG_MS = 30_000;
const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

/** The real HTTP app over one job and one start-up backfill, which the test moves. */
class Bench {
  job: JobFacts = JOB;
  startup: { status: JobStatus; error?: string } = { status: "in_progress" };
  /** Answers 503 so many times. */
  failures = 0;
  asked: string[] = [];
  #moved = Promise.withResolvers<void>();

  readonly app = {
    fetch: (request: Request) => {
      const { pathname, search } = new URL(request.url);
      this.asked.push(`${pathname}${search}`);
      if (this.failures-- > 0) return new Response("starting", { status: 503 });
      return this.#app.fetch(request);
    },
  };
  readonly #app = fakeApp({
    backfill: {
      submit: () => ({ kind: "accepted", jobId: JOB_ID, status: "pending" }),
      job: (id) => (id === JOB_ID ? this.job : undefined),
      recent: () => [],
      startup: () => ({
        running: false,
        chunksDone: 60,
        chunksTotal: 144,
        percentage: 41.6,
        etaSeconds: null,
        ...this.startup,
      }),
    },
    waits: {
      job: (_id, _wait, { signal }) => this.#hold(signal, () => jobHasEnded(this.job.status)),
      startup: (_wait, { signal }) => this.#hold(signal, () => jobHasEnded(this.startup.status)),
    },
  }).app;

  move(job: Partial<JobFacts>, startup = this.startup): void {
    this.job = { ...this.job, ...job };
    this.startup = startup;
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** Once a request is held back. */
  async held(): Promise<void> {
    while (!this.asked.at(-1)?.includes("?wait=")) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  listen(): string {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: this.app.fetch });
    servers.push(server);
    return server.url.origin;
  }

  async #hold(signal: AbortSignal, holds: () => boolean): Promise<{ kind: "look" }> {
    while (!holds() && !signal.aborted) {
      const left = new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      await Promise.race([this.#moved.promise, left]);
    }
    return { kind: "look" };
  }
}

async function failureOf(waiting: Promise<unknown>): Promise<BackfillWaitError> {
  try {
    await waiting;
  } catch (thrown) {
    if (thrown instanceof BackfillWaitError) return thrown;
    throw thrown;
  }
  throw new Error("it did not fail");
}

test("waitForBackfill(), a job's end over HTTP, held back by the server instead of asked for again", async () => {
  const bench = new Bench();
  const waiting = waitForBackfill({ url: `${bench.listen()}/`, jobId: JOB_ID, timeoutMs: LONG_MS });
  await bench.held();
  bench.move({ status: "complete", chunksDone: 144 });
  expect(await waiting).toMatchObject({ job_id: JOB_ID, status: "complete", chunks_done: 144 });
  expect(bench.asked).toHaveLength(2);
  expect(bench.asked[1]).toMatch(/\?wait=29$/);
});

test("waitForBackfill(), without a job the start-up backfill, of an app in this process", async () => {
  const bench = new Bench();
  const waiting = waitForBackfill({ app: bench.app, timeoutMs: LONG_MS });
  await bench.held();
  bench.move({}, { status: "complete" });
  expect(await waiting).toMatchObject({ status: "complete", chunks_total: 144 });
});

test.each(["skipped", "disabled"] as const)(
  "waitForBackfill(), a start-up backfill that is %s is nothing to wait for",
  async (status) => {
    const bench = new Bench();
    bench.startup = { status };
    expect((await waitForBackfill({ app: bench.app, timeoutMs: LONG_MS })).status).toBe(status);
  },
);

test("waitForBackfill(), another end rejects with what was reached, unless every end is wanted", async () => {
  const bench = new Bench();
  bench.move({ status: "cancelled" }, { status: "error", error: "the deadline passed" });
  const error = await failureOf(waitForBackfill({ app: bench.app, jobId: JOB_ID, timeoutMs: LONG_MS }));
  expect(error).toMatchObject({
    kind: "ended",
    message: `job ${JOB_ID} ended cancelled at 41.6 %, 60 of 144 chunks`,
    reached: { status: "cancelled", percentage: 41.6, chunksDone: 60, chunksTotal: 144, error: undefined },
  });
  const ofStartup = await failureOf(waitForBackfill({ app: bench.app, timeoutMs: LONG_MS }));
  expect(ofStartup.message).toBe(
    "the start-up backfill ended error at 41.6 %, 60 of 144 chunks: the deadline passed",
  );
  const any = { app: bench.app, jobId: JOB_ID, timeoutMs: LONG_MS, until: "ended" } as const;
  expect((await waitForBackfill(any)).status).toBe("cancelled");
});

test("waitForBackfill(), time that runs out rejects with what was reached", async () => {
  const bench = new Bench();
  const error = await failureOf(waitForBackfill({ app: bench.app, jobId: JOB_ID, timeoutMs: 60 }));
  expect(error).toMatchObject({
    kind: "timeout",
    message: `waited 60 ms for job ${JOB_ID}: it is in_progress at 41.6 %, 60 of 144 chunks`,
    reached: { status: "in_progress", chunksDone: 60 },
  });
});

test("waitForBackfill(), a server that is away is waited for", async () => {
  const bench = new Bench();
  bench.failures = 2;
  bench.move({ status: "complete" });
  const job = await waitForBackfill({ app: bench.app, jobId: JOB_ID, timeoutMs: LONG_MS });
  expect([job.status, bench.asked.length]).toEqual(["complete", 3]);
});

test("waitForBackfill(), a server that never answers is named with the reason", async () => {
  const bench = new Bench();
  bench.failures = 1_000;
  const answered = await failureOf(waitForBackfill({ app: bench.app, timeoutMs: 30 }));
  expect(answered).toMatchObject({ kind: "timeout", reached: undefined });
  expect(answered.message).toContain("the server has not said where it stands (no answer at last: GET ");
  expect(answered.message).toContain("answered 503");

  const url = bench.listen();
  await servers.pop()?.stop(true);
  const gone = await failureOf(waitForBackfill({ url, timeoutMs: 30 }));
  expect(gone.kind).toBe("timeout");
  expect(gone.cause).toBeInstanceOf(Error);
});

test("waitForBackfill(), an unknown job and a foreign server are refused at once", async () => {
  const bench = new Bench();
  const jobId = JOB_ID.replace(/1$/, "2");
  const unknown = await failureOf(waitForBackfill({ app: bench.app, jobId, timeoutMs: LONG_MS }));
  expect(unknown.kind).toBe("refused");
  expect(unknown.message).toContain(`answered 404, There is no job ${jobId}`);
  const foreign = { fetch: () => new Response("<html>", { status: 200 }) };
  const strange = await failureOf(waitForBackfill({ app: foreign, timeoutMs: LONG_MS }));
  expect(strange).toMatchObject({ kind: "refused", reached: undefined });
});

test("waitForBackfill(), a signal ends it with its own reason, and the server's wait with it", async () => {
  const bench = new Bench();
  const controller = new AbortController();
  const waiting = waitForBackfill({ url: bench.listen(), timeoutMs: LONG_MS, signal: controller.signal });
  await bench.held();
  controller.abort(new Error("enough"));
  expect(waiting).rejects.toThrow("enough");
  await waiting.catch(() => undefined);
});

test("waitForBackfill(), sends its token to a server that asks for one", async () => {
  const { app } = fakeApp({
    tokens: {
      grant: async (token) =>
        token === "good"
          ? { kind: "granted", grant: EVERYTHING }
          : { kind: "invalid", reason: "it is no JSON Web Token" },
    },
    backfill: {
      submit: () => ({ kind: "unavailable", detail: "not asked for", retryAfterSeconds: 1 }),
      job: () => undefined,
      recent: () => [],
      startup: () => ({
        status: "complete",
        running: false,
        chunksDone: 4,
        chunksTotal: 4,
        percentage: 100,
        etaSeconds: null,
      }),
    },
  });
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => app.fetch(request) });
  servers.push(server);
  const url = server.url.origin;
  for (const target of [
    { url, token: "good" },
    { app, token: "good" },
  ] as const)
    expect(await waitForBackfill({ ...target, timeoutMs: 5_000 })).toMatchObject({ status: "complete" });
  for (const target of [{ url }, { app, token: "bad" }] as const)
    expect(await waitForBackfill({ ...target, timeoutMs: 5_000 }).catch((thrown) => thrown)).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("401"),
    });
});
