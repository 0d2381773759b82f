import { expect, test } from "bun:test";
import { fakeApp } from "./fake-deps.ts";

const { app } = fakeApp();

test("GET /api/v1/cache, tells what is on the disk", async () => {
  const answer = await app.request("/api/v1/cache");
  expect([answer.status, await answer.json()]).toEqual([
    200,
    {
      tape: { segments: 2, files: 2, bytes: 3_000_000, trades: 500 },
      profiles: {
        enabled: true,
        files: 1,
        bytes: 400_000,
        oldest: "1970-01-01T00:00:00.000Z",
        newest: "1970-01-01T00:01:00.000Z",
      },
      timestamp: "2026-01-03T12:34:56.789Z",
    },
  ]);
});

test("POST /api/v1/cache/verify, goes on where the former answer ended", async () => {
  const verify = async (query: string) => {
    const answer = await app.request(`/api/v1/cache/verify${query}`, { method: "POST" });
    return [answer.status, await answer.json()];
  };
  expect(await verify("")).toMatchObject([200, { tape_files: 1, next: "1/20455" }]);
  expect(await verify("?after=1/20455")).toMatchObject([200, { tape_damaged: 1, next: null }]);
  expect(await verify("?after=x")).toMatchObject([400, { errors: [{ path: "query.after" }] }]);
});

test("POST /api/v1/cache/clean, tells what it has removed", async () => {
  const answer = await app.request("/api/v1/cache/clean", { method: "POST" });
  expect(await answer.json()).toEqual({
    profiles_removed: 1,
    profile_bytes: 400_000,
    tape_files_removed: 3,
    tape_bytes: 1_500_000,
  });
});

test("GET /api/v1/levels, a date without a session is refused with those beside it", async () => {
  const answer = await app.request("/api/v1/levels/BTCUSDT?session=2026-01-04");
  expect([answer.status, await answer.json()]).toMatchObject([
    400,
    {
      detail:
        'query.session: expected the date of a session of this server\'s calendar, such as 2026-01-02 or 2026-01-05, got "2026-01-04"',
    },
  ]);
});
