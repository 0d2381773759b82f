import { expect } from "bun:test";
import { readFile } from "node:fs/promises";
import { foldMinutes, parseDay, type TradeBatch, TradeBatchBuilder } from "../../src/core/mod.ts";
import { testWithData } from "../support/shared-data.ts";
import { gather, withTape } from "./support.ts";

async function recordedDay(path: string): Promise<TradeBatch> {
  const builder = new TradeBatchBuilder("aggregate", { priceScale: 0, sizeScale: 0 });
  for (const line of (await readFile(path, "utf8")).trim().split("\n")) {
    const [id, price, size, first, last, time, maker] = line.split(",");
    builder.push({
      id: Number(id),
      timeUs: Number(time) * 1_000,
      price: price!,
      size: size!,
      firstId: Number(first),
      lastId: Number(last),
      buy: maker?.toLowerCase() === "false",
    });
  }
  return builder.build();
}

testWithData(
  ["derived/XRPETH-aggTrades-2019-10-11.csv"],
  "the tape gives a recorded day of XRPETH back exactly, as trades and as minutes",
  async ([path]) => {
    const day = parseDay("2019-10-11")!;
    const range = { lo: day * 1_440, hi: (day + 1) * 1_440 };
    const batch = await recordedDay(path!);
    expect(batch.length).toBe(5_929);
    await withTape(async (tape) => {
      const series = { venue: "binance", market: "spot", symbol: "XRPETH" };
      const files = await tape.write({ series, batch, range, origin: "archive" });
      expect(files.map(({ rows }) => rows)).toEqual([5_929]);
      const read = await gather(tape.trades(files, { ranges: [range], scales: batch.scales }), batch.scales);
      expect(read).toEqual(batch);
      for (const binUnits of [1, 10, 137]) {
        const minutes = await tape.contributions(files, { ranges: [range], scales: batch.scales, binUnits });
        expect(minutes).toEqual(foldMinutes(batch, binUnits));
      }
    });
  },
);
