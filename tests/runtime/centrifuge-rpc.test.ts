import { afterEach, describe, expect, test } from "bun:test";
import { Centrifuge } from "centrifuge";
import { EVERYTHING, type Grant } from "../../src/protocol/mod.ts";
import { acceptEverybody } from "../../src/push/mod.ts";
import { fakeApp, JOB_ID } from "../http/fake-deps.ts";
import { type Served, serve, World } from "./push-fixture.ts";

/** Calls of the official client, unchanged, to the real HTTP interface. */

const running: Served[] = [];
const clients: Centrifuge[] = [];

function connected(grant: Grant = EVERYTHING) {
  const { app, asked } = fakeApp();
  const served = serve(new World(), {
    authorizer: { ...acceptEverybody, connect: () => ({ kind: "accepted", grant }) },
    rpc: (request, by) => app.fetch(request, { grant: by }),
  });
  running.push(served);
  const centrifuge = new Centrifuge(`${served.server.url.replace("http", "ws")}/connection/websocket`);
  clients.push(centrifuge);
  centrifuge.connect();
  const answerOf = async (path: string) => (await app.request(path)).json();
  return { centrifuge, asked, answerOf };
}

afterEach(async () => {
  for (const made of clients.splice(0)) made.disconnect();
  for (const served of running.splice(0)) await served.stop();
});

describe("rpc of the official centrifuge client", () => {
  test("levels and profile answer what HTTP answers", async () => {
    const { centrifuge, answerOf } = connected();
    const levels = await centrifuge.rpc("levels", { symbol: "BTCUSDT", session: "2026-01-02" });
    expect(levels.data).toEqual(await answerOf("/levels?symbol=BTCUSDT&session=2026-01-02"));
    const range = { from: "2026-01-02T00:00:00Z", to: "2026-01-02T01:00:00Z" };
    const profile = await centrifuge.rpc("profile", { symbol: "BTCUSDT", ...range, bin_size: 0.5 });
    expect(profile.data).toEqual(
      await answerOf(`/api/v1/profile/BTCUSDT?from=${range.from}&to=${range.to}&bin_size=0.5`),
    );
  });

  test("backfill.start and backfill.control do what HTTP does", async () => {
    const { centrifuge, asked } = connected();
    const body = { symbols: ["BTCUSDT"], start_date: "2026-01-01", end_date: "2026-01-02" };
    expect((await centrifuge.rpc("backfill.start", body)).data).toMatchObject({ job_id: JOB_ID });
    expect(asked.submitted).toHaveLength(1);
    const told = await centrifuge.rpc("backfill.control", {
      job_id: JOB_ID,
      command: "priority",
      priority: 4,
    });
    expect(told.data).toMatchObject({ job_id: JOB_ID });
    expect(asked.commands).toEqual([[JOB_ID, { kind: "adjust", priority: 4, maxParallel: undefined }]]);
  });

  test("a refusal carries the status and the detail of the problem", async () => {
    const { centrifuge } = connected();
    await expect(centrifuge.rpc("levels", { symbol: "DOGEUSDT" })).rejects.toMatchObject({ code: 404 });
    await expect(centrifuge.rpc("levels", { bin_size: "0.3" })).rejects.toMatchObject({
      code: 400,
      message: expect.stringContaining("bin_size"),
    });
    await expect(centrifuge.rpc("backfill.start", { symbols: [] })).rejects.toMatchObject({ code: 422 });
  });

  test("who may only read starts no backfill (103)", async () => {
    const { centrifuge, asked } = connected({ ...EVERYTHING, scopes: new Set(["read"]) });
    await centrifuge.rpc("levels", {});
    const body = { symbols: ["BTCUSDT"], start_date: "2026-01-01", end_date: "2026-01-02" };
    await expect(centrifuge.rpc("backfill.start", body)).rejects.toMatchObject({ code: 103 });
    expect(asked.submitted).toEqual([]);
  });
});
