import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import * as v from "valibot";
import {
  closeCode,
  connectFrame,
  connectReply,
  connectResult,
  disconnectFrame,
  errorReply,
  historyReply,
  PING_FRAME,
  publicationFrame,
  publicationJson,
  pushError,
  reconnects,
  ServerFrame,
  subscribeReply,
  subscribeResult,
  unsubscribeFrame,
  withoutEnvelope,
} from "../../src/protocol/mod.ts";

const frame = (text: string) => v.parse(ServerFrame, JSON.parse(text));

describe("replies", () => {
  test("subscribeResult() places encoded publications and data beside the other fields", () => {
    const encoded = {
      publications: [publicationJson('{"a":1}', 4), publicationJson("5", 5)],
      data: '{"b":2}',
    };
    expect(
      frame(subscribeReply(9, subscribeResult({ recoverable: true, epoch: "e", offset: 3 }, encoded))),
    ).toEqual({
      id: 9,
      subscribe: {
        recoverable: true,
        epoch: "e",
        offset: 3,
        publications: [
          { data: { a: 1 }, offset: 4 },
          { data: 5, offset: 5 },
        ],
        data: { b: 2 },
      },
    });
    expect(frame(subscribeReply(9, subscribeResult({})))).toEqual({ id: 9, subscribe: {} });
    expect(frame(subscribeReply(9, subscribeResult({}, { data: "1" })))).toEqual({
      id: 9,
      subscribe: { data: 1 },
    });
  });

  test("publicationFrame() survives any channel name and data", () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.jsonValue(),
        fc.option(fc.nat(), { nil: undefined }),
        (channel, data, offset) => {
          const pub = frame(publicationFrame(channel, publicationJson(JSON.stringify(data), offset))).push;
          expect(JSON.stringify(pub?.pub?.data)).toBe(JSON.stringify(data));
          expect(pub?.channel).toBe(channel);
          expect(pub?.pub?.offset).toBe(offset);
        },
      ),
    );
  });

  test("historyReply(), unsubscribeFrame() and errorReply() read back", () => {
    expect(frame(historyReply(2, { epoch: 'e"', offset: 7 }, [publicationJson("1", 7)])).history).toEqual({
      publications: [{ data: 1, offset: 7 }],
      epoch: 'e"',
      offset: 7,
    });
    expect(frame(unsubscribeFrame("c", { code: 2500, reason: "r" })).push?.unsubscribe).toEqual({
      code: 2500,
      reason: "r",
    });
    expect(frame(errorReply(1, pushError("unknown_channel", "x"))).error).toEqual({
      code: 102,
      message: "unknown channel: x",
    });
  });

  test("withoutEnvelope() gives every push as a one-way client gets it", () => {
    const about = { client: "c", version: "v", ping: 25 };
    const subs = [["backfill", subscribeResult({ epoch: "e", offset: 1 })]] as const;
    const frames = [
      connectFrame(connectResult(about, subs)),
      publicationFrame('a"b', publicationJson('{"x":"}"}', 3)),
      unsubscribeFrame("c", { code: 2000, reason: "r" }),
      disconnectFrame({ code: 3001, reason: "shutdown" }),
      PING_FRAME,
    ];
    expect(frames.map((text) => JSON.parse(withoutEnvelope(text)))).toEqual([
      { connect: { ...about, subs: { backfill: { epoch: "e", offset: 1 } } } },
      { channel: 'a"b', pub: { data: { x: "}" }, offset: 3 } },
      { channel: "c", unsubscribe: { code: 2000, reason: "r" } },
      { disconnect: { code: 3001, reason: "shutdown" } },
      {},
    ]);
  });

  test("connectReply() has subs where some were asked for", () => {
    const about = { client: "c", version: "v", ping: 25, pong: true };
    expect(frame(connectReply(3, connectResult(about))).connect).toEqual(about);
    expect(frame(connectReply(3, connectResult(about, []))).connect).toEqual({ ...about, subs: {} });
    const text = connectReply(
      3,
      connectResult(about, [
        ["a", "{}"],
        ['b"', '{"data":1}'],
      ]),
    );
    expect(frame(text).connect?.subs).toEqual({ a: {}, 'b"': { data: 1 } });
  });

  test("closeCode() keeps its reason within a close frame, and never empty", () => {
    expect(closeCode("bad_request", "x".repeat(500)).reason.length).toBeLessThanOrEqual(123);
    expect(closeCode("slow").reason).toBe("slow");
  });

  test("reconnects() knows the codes after which a client stays away", () => {
    expect([1001, 3001, 3008, 3012, 3500, 3501, 4000, 4500].map(reconnects)).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
      true,
      false,
    ]);
  });
});
