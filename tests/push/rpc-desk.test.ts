import { describe, expect, test } from "bun:test";
import { EVERYTHING, type Grant } from "../../src/protocol/mod.ts";
import { acceptEverybody, type PushLimits, type RpcHandler } from "../../src/push/mod.ts";
import { makeHub, settle } from "./fakes.ts";

const resolve = () => ({ kind: "unknown", message: "none" }) as const;

/** Streams are read in turns of the event loop. */
async function turns(): Promise<void> {
  for (let n = 0; n < 20; n++) await new Promise((done) => setTimeout(done, 0));
}

async function caller(rpc: RpcHandler | undefined, limits: Partial<PushLimits> = {}, grant = EVERYTHING) {
  const made = makeHub({
    resolve,
    limits,
    authorizer: { ...acceptEverybody, connect: () => ({ kind: "accepted", grant }) },
    ...(rpc === undefined ? {} : { rpc }),
  });
  const peer = await made.connected();
  const call = async (method: string, data: unknown = {}) => {
    peer.send({ id: 7, rpc: { method, data } });
    await turns();
    return peer.socket.received()[0];
  };
  return { ...made, ...peer, call };
}

const problem = (status: number, detail: string) => () =>
  Response.json({ type: "/problems/x", title: "X", status, detail }, { status });

describe("rpc", () => {
  test("is a request with the connection's grant, and its answer comes as it is", async () => {
    const asked: [method: string, url: string, body: string, grant: Grant][] = [];
    const grant = { ...EVERYTHING, user: "ann" };
    const { call } = await caller(
      async (request, by) => {
        const { pathname, search } = new URL(request.url);
        asked.push([request.method, pathname + search, await request.text(), by]);
        return new Response('{"price":0.10}');
      },
      {},
      grant,
    );
    expect(await call("levels", { symbol: "BTCUSDT" })).toEqual({ id: 7, rpc: { data: { price: 0.1 } } });
    await call("backfill.start", { symbols: ["A"] });
    expect(asked).toEqual([
      ["GET", "/levels?symbol=BTCUSDT", "", grant],
      ["POST", "/api/v1/backfill", '{"symbols":["A"]}', grant],
    ]);
  });

  test("a problem is an error with its status and its detail; 503 and 504 are temporary; 403 is 103", async () => {
    const error = async (handler: RpcHandler) => (await (await caller(handler)).call("levels"))?.error;
    expect(await error(problem(404, "no such symbol"))).toEqual({ code: 404, message: "no such symbol" });
    expect(await error(problem(503, "starting"))).toEqual({
      code: 503,
      message: "starting",
      temporary: true,
    });
    expect(await error(problem(504, "late"))).toEqual({ code: 504, message: "late", temporary: true });
    expect(await error(problem(403, "this takes backfill"))).toEqual({
      code: 103,
      message: "permission denied: this takes backfill",
    });
    expect(await error(() => new Response("<html>", { status: 500 }))).toEqual({
      code: 500,
      message: "the request was answered with 500",
    });
  });

  test("what is no call is refused before anybody is asked", async () => {
    let asked = 0;
    const { call } = await caller(() => {
      asked += 1;
      return new Response("{}");
    });
    expect((await call("trades"))?.error?.code).toBe(104);
    expect((await call("levels", { symbol: 5 }))?.error?.code).toBe(107);
    expect(asked).toBe(0);
    expect((await (await caller(undefined)).call("levels"))?.error?.code).toBe(108);
  });

  test("a call that takes too long is answered with 504, and its request is aborted", async () => {
    let aborted = false;
    const { call, socket, timers } = await caller((request) => {
      request.signal.addEventListener("abort", () => {
        aborted = true;
      });
      return new Promise<Response>(() => undefined);
    });
    expect(await call("levels")).toBeUndefined();
    await timers.advance(4_000);
    await turns();
    expect(socket.received()[0]?.error).toMatchObject({ code: 504, temporary: true });
    expect(aborted).toBe(true);
  });

  test("a body that never ends is cut off by its size, and so is its source", async () => {
    let cancelled = false;
    const { call } = await caller(
      () =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new TextEncoder().encode("x".repeat(600))),
            cancel: () => {
              cancelled = true;
            },
          }),
        ),
      { rpcCharsMax: 1_000 },
    );
    expect((await call("levels"))?.error).toMatchObject({ code: 413 });
    expect(cancelled).toBe(true);
    const fitting = await caller(() => new Response(JSON.stringify("x".repeat(998))), { rpcCharsMax: 1_000 });
    expect((await fitting.call("levels"))?.rpc?.data).toHaveLength(998);
    const over = await caller(() => new Response(JSON.stringify("x".repeat(999))), { rpcCharsMax: 1_000 });
    expect((await over.call("levels"))?.error?.code).toBe(413);
  });

  test("only so many are under way at a time", async () => {
    const gates: (() => void)[] = [];
    const { socket, send } = await caller(
      () => new Promise((done) => gates.push(() => done(new Response("1")))),
      { rpcInFlightMax: 2 },
    );
    for (const id of [2, 3, 4]) send({ id, rpc: { method: "levels" } });
    await turns();
    expect(socket.received()).toMatchObject([{ id: 4, error: { code: 106, temporary: true } }]);
    gates[0]?.();
    await turns();
    send({ id: 5, rpc: { method: "levels" } });
    await turns();
    gates[2]?.();
    await turns();
    expect(socket.received().map(({ id, rpc }) => [id, rpc?.data])).toEqual([
      [2, 1],
      [5, 1],
    ]);
  });

  test("nothing is asked with a grant that has ended, and a client that goes aborts what it asked", async () => {
    let aborted = 0;
    const made = await caller(
      (request) => {
        request.signal.addEventListener("abort", () => aborted++);
        return new Promise<Response>(() => undefined);
      },
      {},
      { ...EVERYTHING, expiresAtMs: 10_000 },
    );
    await made.call("levels");
    made.session.closed();
    expect(aborted).toBe(1);
    const late = await caller(() => new Response("1"), {}, { ...EVERYTHING, expiresAtMs: 10_000 });
    await late.timers.advance(10_000);
    expect((await late.call("levels"))?.error?.code).toBe(109);
    await settle();
  });

  test("a handler that fails is reported, and answered with 100", async () => {
    const { call, errors } = await caller(() => {
      throw new Error("broken");
    });
    expect((await call("levels"))?.error?.code).toBe(100);
    expect(errors).toEqual(["answering a call of levels: broken"]);
  });
});
