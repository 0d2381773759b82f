import { afterEach, describe, expect, test } from "bun:test";
import { Tapeline, TapelineError } from "../../src/client/mod.ts";
import { jobToWire, levelSetToWire, problem } from "../../src/protocol/mod.ts";
import { fakeApp, JOB, JOB_ID } from "../http/fake-deps.ts";
import { someLevelSet } from "../protocol/known-sets.ts";

const servers: Bun.Server<undefined>[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop(true);
});

function served(fetch: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch });
  servers.push(server);
  return server.url.href;
}

async function failure(call: Promise<unknown>): Promise<TapelineError> {
  const thrown = await call.then(
    () => new Error("it did not fail"),
    (error: unknown) => error,
  );
  if (thrown instanceof TapelineError) return thrown;
  throw thrown;
}

describe("http", () => {
  test("asks for levels, profiles and jobs as the server has them", async () => {
    const { app, asked } = fakeApp();
    const { http } = new Tapeline(served(app.fetch));
    const backfill = { job_id: JOB_ID, status: "in_progress", percentage: 41.6 } as const;
    expect(await http.levels({ symbol: "BTCUSDT", session: "2026-01-02" })).toEqual(
      levelSetToWire(someLevelSet(), backfill),
    );
    expect(asked.levels).toMatchObject([{ symbol: { symbol: "BTCUSDT" }, session: "2026-01-02" }]);
    expect((await http.levels()).symbol).toBe("binance:BTCUSDT");
    const profile = await http.profile({
      symbol: "binance:BTCUSDT",
      from: "2026-01-02",
      to: "2026-01-02",
      value_area: "one_row",
    });
    expect(profile.bins.length).toBeGreaterThan(0);
    expect(asked.profiles).toMatchObject([{ method: "one_row", symbol: { venue: "binance" } }]);
    expect(await http.job(JOB_ID)).toEqual(jobToWire(JOB));
    expect((await http.recent({ limit: 5 })).jobs).toHaveLength(1);
    expect(asked.limits).toEqual([5]);
    expect((await http.health()).status).toBe("degraded");
    expect((await http.ready()).symbol).toBe("binance:BTCUSDT");
    expect((await http.startup()).percentage).toBe(41.6);
  });

  test("starts and steers backfills", async () => {
    const { app, asked } = fakeApp();
    const { http } = new Tapeline(served(app.fetch));
    const accepted = await http.startBackfill({
      symbols: ["BTCUSDT"],
      start_date: "2026-01-01",
      end_date: "2026-01-01",
      order: "certify",
    });
    expect(accepted.job_id).toBe(JOB_ID);
    expect(asked.submitted).toMatchObject([{ order: "certify", symbols: [{ symbol: "BTCUSDT" }] }]);
    await http.control(JOB_ID, "pause");
    await http.control(JOB_ID, "retry", { symbols: ["BTCUSDT"] });
    await http.control(JOB_ID, "priority", { priority: 5 });
    expect(asked.commands.map(([, { kind }]) => kind)).toEqual(["pause", "retry", "adjust"]);
  });

  test("a refusal is an error with the problem document", async () => {
    const { http } = new Tapeline(served(fakeApp().app.fetch));
    const unknown = await failure(http.levels({ symbol: "NOPE" }));
    expect(unknown).toMatchObject({
      kind: "unknown",
      status: 404,
      problem: { type: "/problems/symbol-not-found" },
    });
    const invalid = await failure(
      http.startBackfill({ symbols: [], start_date: "yesterday", end_date: "2026-01-01" }),
    );
    expect(invalid).toMatchObject({ kind: "refused", status: 422 });
    expect(invalid.problem?.errors?.[0]?.path).toBe("$.symbols");
    expect(invalid.message).toContain("POST http://127.0.0.1");
  });

  test("another program, nobody, and an answer that does not come have kinds of their own", async () => {
    const strange = new Tapeline(served(() => new Response("<html>", { status: 500 })));
    expect(await failure(strange.http.health())).toMatchObject({ kind: "foreign", status: 500 });
    const other = new Tapeline(served(() => Response.json({ status: "fine" })));
    const foreign = await failure(other.http.health());
    expect([foreign.kind, foreign.message.includes("status")]).toEqual(["foreign", true]);
    const gone = served(() => new Response());
    await servers.at(-1)?.stop(true);
    expect(await failure(new Tapeline(gone).http.health())).toMatchObject({ kind: "unreachable" });
    const { promise: never, resolve } = Promise.withResolvers<Response>();
    const slow = new Tapeline(served(() => never));
    expect(await failure(slow.http.health({ timeoutMs: 30 }))).toMatchObject({ kind: "timeout" });
    const stop = AbortSignal.abort(new Error("enough"));
    expect(await slow.http.health({ signal: stop }).catch(String)).toBe("Error: enough");
    resolve(new Response());
  });

  test("a window whose days are being read is asked for again", async () => {
    let asked = 0;
    const { app } = fakeApp();
    const url = served((request) =>
      asked++ === 0
        ? Response.json(problem("loading", "1 of 3 days"), {
            status: 503,
            headers: { "content-type": "application/problem+json" },
          })
        : app.fetch(request),
    );
    await new Tapeline(url).http.profile({ symbol: "BTCUSDT", from: "2026-01-02", to: "2026-01-02" });
    expect(asked).toBe(2);
  });

  test("the token goes along, and a fresh one once when the server does not take it any more", async () => {
    const seen: (string | null)[] = [];
    const url = served((request) => {
      const token = request.headers.get("authorization");
      seen.push(token);
      return token === "Bearer token 2"
        ? Response.json({ status: "ok", backfill_status: "complete", backfill_complete: true })
        : Response.json(
            { type: "/problems/unauthorized", title: "No", status: 401, detail: "expired" },
            { status: 401 },
          );
    });
    let made = 0;
    const { http } = new Tapeline(url, { token: async () => `token ${++made}` });
    const [one, two] = await Promise.all([http.health(), http.health()]);
    expect([one.status, two.status]).toEqual(["ok", "ok"]);
    expect(made).toBe(2);
    expect(seen.toSorted()).toEqual(["Bearer token 1", "Bearer token 1", "Bearer token 2", "Bearer token 2"]);
    const fixed = new Tapeline(url, { token: "old" });
    expect(await failure(fixed.http.health())).toMatchObject({ kind: "unauthorized", status: 401 });
  });
});
