import { expect, test } from "bun:test";
import type { WaitOutcome } from "../../src/http/mod.ts";
import type { JobWaitQuery, WaitQuery } from "../../src/protocol/mod.ts";
import { fakeApp, JOB_ID } from "./fake-deps.ts";

const STATUS = `/api/v1/backfill/status/${JOB_ID}`;

function waitingApp(outcome: WaitOutcome = { kind: "look" }) {
  const waited: (JobWaitQuery | WaitQuery)[] = [];
  const note = (wait: JobWaitQuery | WaitQuery) => {
    waited.push(wait);
    return outcome;
  };
  const { app } = fakeApp({ waits: { job: (_id, wait) => note(wait), startup: note } });
  return { app, waited };
}

test("GET …/status/:job_id?wait=, waits for the end, or for a version after `since`", async () => {
  const { app, waited } = waitingApp();
  for (const query of ["", "?wait=30", "?wait=60&since=41"]) {
    const answer = await app.request(`${STATUS}${query}`);
    expect([answer.status, await answer.json()]).toMatchObject([200, { job_id: JOB_ID, version: 70 }]);
  }
  expect(waited).toEqual([
    { waitMs: 30_000, since: undefined },
    { waitMs: 60_000, since: 41 },
  ]);
});

test("GET /backfill/status?wait=, waits for the start-up backfill", async () => {
  const { app, waited } = waitingApp();
  for (const query of ["", "?wait=1"])
    expect(await (await app.request(`/backfill/status${query}`)).json()).toMatchObject({
      status: "in_progress",
    });
  expect(waited).toEqual([{ waitMs: 1_000 }]);
});

test.each([
  ["?wait=0", "query.wait"],
  ["?wait=61", "query.wait"],
  ["?wait=-1", "query.wait"],
  ["?wait=1.5", "query.wait"],
  ["?wait=", "query.wait"],
  ["?wait=5&wait=6", "query.wait"],
  ["?wait=5&since=new", "query.since"],
  ["?since=4", "query.since"],
  ["?until=change", "query.until"],
])("GET …/status/:job_id%s, is refused and names the parameter", async (query, path) => {
  const { app, waited } = waitingApp();
  const answer = await app.request(`${STATUS}${query}`);
  expect([answer.status, await answer.json()]).toMatchObject([400, { errors: [{ path }] }]);
  expect(waited).toEqual([]);
});

test("GET …/status/:job_id?wait=, a server with too many waiting says when to come again", async () => {
  const { app } = waitingApp({
    kind: "unavailable",
    detail: "256 requests wait already",
    retryAfterSeconds: 2,
  });
  for (const path of [STATUS, "/backfill/status"]) {
    const answer = await app.request(`${path}?wait=5`);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "2"]);
  }
});

test("GET …/status/:job_id?wait=, the wait comes on top of the deadline, and ends with the client", async () => {
  const client = new AbortController();
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const { app } = fakeApp({
    // Shorter than the wait: an answer that is held back as asked for is not late.
    deadlineMs: 10,
    waits: {
      startup: () => ({ kind: "look" }),
      job: (_id, _wait, { signal }) =>
        new Promise((answer) => {
          setTimeout(() => client.abort(), 50);
          signal.addEventListener("abort", () => {
            resolve();
            answer({ kind: "look" });
          });
        }),
    },
  });
  const answer = await app.request(new Request(`http://a${STATUS}?wait=60`, { signal: client.signal }));
  await aborted;
  expect(answer.status).toBe(200);
});
