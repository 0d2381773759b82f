import { describe, expect, test } from "bun:test";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { batchOf, DAY, DAY_LO, SERIES, withTape } from "./support.ts";

const T0 = DAY_LO * 60_000_000;
const ROWS = [
  { id: 7, timeUs: T0 + 123_456, price: 4_212_345, size: 141_342, buy: true, raw: 2 },
  { id: 9, timeUs: T0 + 60_000_001, price: 4_212_344, size: 5, buy: false, raw: 1 },
];
const SCALES = { priceScale: 2, sizeScale: 8 };

describe("the files", () => {
  test("are read by a plain read_parquet() of any DuckDB", async () => {
    await withTape(async (tape) => {
      await tape.write({ series: SERIES, batch: batchOf(ROWS, SCALES), range: DAY, origin: "rest" });
      const duckdb = await DuckDBInstance.create(":memory:");
      const connection = await duckdb.connect();
      const result = await connection.run(
        `SELECT venue, market, symbol, id::INT, epoch_us(time)::VARCHAR, price::VARCHAR, size::VARCHAR, first_id::INT, last_id::INT, buy
         FROM read_parquet('${tape.dir}/**/*.parquet', hive_partitioning = true) ORDER BY id`,
      );
      expect(await result.getRows()).toEqual([
        ["binance", "spot", "BTCUSDT", 7, String(T0 + 123_456), "42123.45", "0.00141342", 21, 22, true],
        ["binance", "spot", "BTCUSDT", 9, String(T0 + 60_000_001), "42123.44", "0.00000005", 27, 27, false],
      ]);
      connection.closeSync();
      duckdb.closeSync();
    });
  });

  test("are read by another program's reader: values, UTC times, decimals, metadata", async () => {
    await withTape(async (tape) => {
      const [file] = await tape.write({
        series: { ...SERIES, symbol: "IT'S" },
        batch: batchOf(ROWS, SCALES),
        range: { lo: DAY.lo, hi: DAY.lo + 10 },
        origin: "rest",
      });
      const content = await readFile(join(tape.dir, file!.path));
      const buffer = new Uint8Array(content).buffer;
      const metadata = parquetMetadata(buffer);
      const fields = new Map(metadata.schema.map((field) => [field.name, field]));
      expect(metadata.num_rows).toBe(2n);
      expect([...fields.keys()].slice(1)).toEqual([
        "id",
        "time",
        "price",
        "size",
        "first_id",
        "last_id",
        "buy",
      ]);
      expect(fields.get("id")!.type).toBe("INT64");
      expect(fields.get("time")!.logical_type).toMatchObject({
        type: "TIMESTAMP",
        isAdjustedToUTC: true,
        unit: "MICROS",
      });
      expect(fields.get("price")).toMatchObject({ converted_type: "DECIMAL", precision: 18, scale: 2 });
      expect(fields.get("size")).toMatchObject({ converted_type: "DECIMAL", precision: 18, scale: 8 });
      expect(metadata.row_groups[0]!.columns[0]!.meta_data!.codec).toBe("ZSTD");
      expect(
        Object.fromEntries((metadata.key_value_metadata ?? []).map(({ key, value }) => [key, value])),
      ).toEqual({
        schema_version: "1",
        origin: "rest",
        venue: "binance",
        market: "spot",
        symbol: "IT'S",
        kind: "aggregate",
        range: "2026-01-02T00:00:00.000Z/2026-01-02T00:10:00.000Z",
        writer: "tapeline tape-writer/1",
      });
      const rows = await parquetReadObjects({
        file: buffer,
        compressors: { ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)) },
      });
      // That reader computes decimals as doubles; the digits are those of the column's scale.
      const exact: Record<string, unknown>[] = rows.map((row) => ({
        ...row,
        price: Number(row["price"]).toFixed(2),
        size: Number(row["size"]).toFixed(8),
      }));
      expect(exact).toEqual([
        {
          id: 7n,
          time: new Date(T0 / 1_000 + 123.456),
          price: "42123.45",
          size: "0.00141342",
          first_id: 21n,
          last_id: 22n,
          buy: true,
        },
        {
          id: 9n,
          time: new Date(T0 / 1_000 + 60_000.001),
          price: "42123.44",
          size: "0.00000005",
          first_id: 27n,
          last_id: 27n,
          buy: false,
        },
      ]);
    });
  });
});
