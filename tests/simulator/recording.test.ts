import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import {
  parseRecording,
  type Recording,
  RecordingFileError,
  readRecording,
} from "../../src/simulator/mod.ts";
import { holdExchange, holdSocket } from "./support.ts";

const DATA = "../shared/data";
const hasRealData = existsSync(`${DATA}/ws`) || process.env["CI"] === "true";
const files = hasRealData
  ? [
      ...readdirSync(`${DATA}/ws`).map((name) => `${DATA}/ws/${name}`),
      ...readdirSync(`${DATA}/ws_cryptofeed`)
        .filter((name) => /^BINANCE.*\.ws\./.test(name))
        .map((name) => `${DATA}/ws_cryptofeed/${name}`),
    ]
  : [];

function play(recording: Recording, advanceMs: number, pace = 0) {
  const { exchange, timers } = holdExchange(1_000_000, { markets: [], recordings: [recording], pace });
  const symbol = [...recording.symbols.keys()][0]!.toLowerCase();
  const socket = holdSocket(exchange, `/stream?streams=${symbol}@aggTrade/${symbol}@trade`);
  timers.advance(advanceMs);
  return { ...socket, exchange, timers };
}

test.each(files)("a reader of %s gets every frame as it stands", async (path) => {
  const recording = await readRecording(path);
  const lines = gunzipSync(readFileSync(path)).toString("utf8").split("\n");
  const expected = lines
    .filter((line) => /^\d/.test(line))
    .map((line) =>
      line.slice(
        line.indexOf(path.includes("cryptofeed") ? ": " : " ") + (path.includes("cryptofeed") ? 2 : 1),
      ),
    );
  const { frames } = play(recording, 1_000);
  expect(frames.length).toBe(expected.length);
  expect(frames.every((frame, i) => frame === expected[i])).toBe(true);
});

test.skipIf(!hasRealData)("recorded sessions were found", () => {
  expect(files.length).toBeGreaterThanOrEqual(9);
});

const SMALL = [
  "wss://stream.binance.com:9443/stream?streams=abcusdt@aggTrade <-> 1633998511.1",
  '1633998512.0: {"stream":"abcusdt@aggTrade","data":{"e":"aggTrade","p":"1.2300","q":"4.5"}}',
  "",
  '1633998514.0: {"stream":"abcusdt@depth","data":{}}',
  "1633998516.0: no JSON at all",
  "a line of its own",
].join("\n");

test("parseRecording() keeps lines that are no JSON and drops addresses and blanks", () => {
  const recording = parseRecording("small", SMALL);
  expect(recording.frames.map(({ text }) => text.slice(0, 12))).toEqual([
    '{"stream":"a',
    '{"stream":"a',
    "no JSON at a",
    "a line of it",
  ]);
  expect([...recording.symbols]).toEqual([["ABCUSDT", { price: 2, size: 1 }]]);
  expect(() => parseRecording("empty", "\n\n")).toThrow(RecordingFileError);
});

test("a pace plays recorded seconds in time", () => {
  const { frames, timers } = play(parseRecording("small", SMALL), 10, 2);
  expect(frames).toHaveLength(1);
  timers.advance(1_000);
  expect(frames).toHaveLength(2);
  timers.advance(1_000);
  expect(frames).toHaveLength(4);
});

test("a recorded symbol is listed with the steps its trades need, and sends no generated trades", async () => {
  const { exchange, frames, timers } = play(parseRecording("small", SMALL), 1_000);
  timers.advance(60_000);
  expect(frames).toHaveLength(4);
  expect(exchange.streams.sockets()[0]?.played).toBe(4);
  const info = await exchange.handle(new Request("http://x/api/v3/exchangeInfo?symbol=ABCUSDT"));
  expect(await info.json()).toMatchObject({
    symbols: [{ filters: [{ tickSize: "0.01000000" }, { stepSize: "0.10000000" }, {}] }],
  });
  const trades = await exchange.handle(new Request("http://x/api/v3/aggTrades?symbol=ABCUSDT"));
  expect(await trades.json()).toEqual([]);
});

test("a reader of other symbols gets nothing of the recording", () => {
  const recording = parseRecording("small", SMALL);
  const { exchange, timers } = holdExchange(1_000_000, { markets: [], recordings: [recording] });
  const { frames } = holdSocket(exchange, "/stream?streams=xyzusdt@aggTrade");
  timers.advance(1_000);
  expect(frames).toEqual([]);
});
