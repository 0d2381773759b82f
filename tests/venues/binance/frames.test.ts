import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FrameReader } from "../../../src/venues/binance/frames.ts";
import { instrumentNamed } from "../../support/trades.ts";
import { fakeTrades, frameOf } from "../support/fake-binance.ts";

const instrument = instrumentNamed("BTCUSDT", { priceScale: 2, sizeScale: 5 });
const aggregates = new FrameReader("aggregate", [instrument]);
const raws = new FrameReader("raw", [instrument]);
const raw = {
  e: "trade",
  E: 3,
  s: "BTCUSDT",
  t: 7,
  p: "61837.63",
  q: "0.02",
  T: 1_723_161_255_342,
  m: true,
  M: true,
};
const combined = (data: unknown, stream = "btcusdt@trade") => JSON.stringify({ stream, data });
const [trade] = fakeTrades(1, 1_700_000_000_000, 1, 42);

describe("FrameReader.read()", () => {
  test("reads an aggregate trade, and to a reader of raw trades it is another event", () => {
    const frame = frameOf(trade!);
    const reading = aggregates.read(frame);
    if (reading.kind !== "trade") throw new Error(reading.kind);
    expect([reading.symbol, reading.id, reading.batch.length]).toEqual(["BTCUSDT", 42, 1]);
    expect([reading.batch.firstId[0], reading.batch.lastId[0], reading.batch.buy[0]]).toEqual([84, 85, 0]);
    expect(raws.read(frame).kind).toBe("ignored");
  });

  test("reads a raw trade with its own id, and to a reader of aggregates it is another event", () => {
    const reading = raws.read(combined(raw));
    if (reading.kind !== "trade") throw new Error(reading.kind);
    expect([reading.id, reading.batch.kind, reading.batch.price[0]]).toEqual([7, "raw", 6_183_763]);
    expect([reading.batch.firstId[0], reading.batch.lastId[0]]).toEqual([7, 7]);
    expect(raws.read(JSON.stringify(raw)).kind).toBe("trade");
    expect(aggregates.read(combined(raw)).kind).toBe("ignored");
  });

  test("drops prints that are no market trades", () => {
    for (const X of ["INSURANCE_FUND", "ADL"])
      expect(raws.read(combined({ ...raw, X })).kind).toBe("dropped");
    expect(raws.read(combined({ ...raw, X: "MARKET" })).kind).toBe("trade");
    expect(raws.read(combined({ ...raw, p: "0", q: "0", X: "NA" }))).toEqual({
      kind: "dropped",
      symbol: "BTCUSDT",
      id: 7,
    });
  });

  test("counts as faulty what should have been a trade", () => {
    const broken = [
      combined({ ...raw, p: 61837.63 }),
      combined({ ...raw, p: "61,837" }),
      combined({ ...raw, t: -1 }),
      combined({ ...raw, T: null }),
      combined(null),
      combined({}),
      combined(raw).slice(0, 60),
      "configuration: none",
      "",
    ];
    for (const frame of broken) expect([frame, raws.read(frame).kind]).toEqual([frame, "faulty"]);
    expect(raws.read(new Uint8Array([123, 125])).kind).toBe("faulty");
  });

  test("ignores acknowledgements, other events and symbols it was not asked for", () => {
    for (const frame of [
      '{"result":null,"id":1}',
      '{"error":{"code":2,"msg":"Invalid request"},"id":1}',
      combined({ u: 1, s: "BTCUSDT", b: "1", B: "2" }, "btcusdt@bookTicker"),
      combined({ e: "kline", k: {} }, "btcusdt@kline_1m"),
      combined({ ...raw, s: "ETHUSDT" }),
      "[]",
      "null",
    ])
      expect([frame, raws.read(frame).kind]).toEqual([frame, "ignored"]);
  });

  test("hears the venue's own announcements", () => {
    const event = { e: "serverShutdown", E: 1_770_123_456_789 };
    for (const frame of [event, { event }, { stream: "x", data: event }])
      expect(raws.read(JSON.stringify(frame)).kind).toBe("shutdown");
    const words = "Way too much request weight used; IP banned until 1702275878212. Please use WebSocket";
    expect(raws.read(words)).toEqual({ kind: "banned", untilMs: 1_702_275_878_212 });
  });

  test("never throws, whatever comes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((json) => `{"stream":"btcusdt@trade","data":${json}}`),
        ),
        (frame) => {
          expect(["ignored", "faulty"]).toContain(raws.read(frame).kind);
        },
      ),
    );
  });
});
