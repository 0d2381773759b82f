import { describe, expect, test } from "bun:test";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { assertPlainDir, dayFolder, fileName, resolveInside, safeSegment } from "../../src/tape/layout.ts";
import { DAY_LO, SERIES, withDir } from "./support.ts";

const HASH = "0123456789abcdef".repeat(4);
const DAY_NO = DAY_LO / 1_440;

describe("names", () => {
  test("dayFolder() is hive-style, one folder a UTC day", () => {
    expect(dayFolder(SERIES, DAY_NO)).toBe("venue=binance/market=spot/symbol=BTCUSDT/date=2026-01-02");
  });

  test("fileName() shows the minutes of its day and the content's hash", () => {
    const name = (lo: number, hi: number, day = DAY_NO): string =>
      fileName({ lo: DAY_LO + lo, hi: DAY_LO + hi }, day, HASH);
    expect(name(480, 490)).toBe("0800-0810-0123456789ab.parquet");
    expect(name(0, 1_440)).toBe("0000-2400-0123456789ab.parquet");
    expect(name(1_430, 1_450)).toBe("2350-2400-0123456789ab.parquet");
    expect(name(1_430, 1_450, DAY_NO + 1)).toBe("0000-0010-0123456789ab.parquet");
  });

  test("safeSegment() leaves one plain path part that decodes to the name", () => {
    expect(safeSegment("BTC/USD:../é")).toBe("BTC%2FUSD%3A..%2F%C3%A9");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1, maxLength: 16 }), (name) => {
        const safe = safeSegment(name);
        expect(safe).toMatch(/^[A-Za-z0-9._%-]+$/);
        expect(decodeURIComponent(safe)).toBe(name.toWellFormed());
      }),
    );
  });

  test("safeSegment() refuses an empty and an overlong name", () => {
    expect(() => safeSegment("")).toThrow("no usable name");
    expect(() => safeSegment("x".repeat(201))).toThrow("no usable name");
  });

  test("assertPlainDir() refuses a directory that DuckDB would read as a pattern", () => {
    expect(() => assertPlainDir("/data/tape [old]")).toThrow("must not contain");
    assertPlainDir("/data/tape old");
  });
});

describe("resolveInside()", () => {
  const outside = [
    "../x",
    "/etc/passwd",
    "a/../../x",
    "a//b",
    "./a",
    "",
    "a\\b",
    "a/*.parquet",
    "a\0b",
    "..",
  ];
  test.each(outside)("refuses %p", async (path) => {
    await withDir(async (dir) => {
      await expect(resolveInside(dir, path)).rejects.toMatchObject({ code: "refused", paths: [path] });
    });
  });

  test("refuses a path through a link that leaves, and a file that is a link", async () => {
    await withDir(async (root) => {
      const dir = join(root, "tape");
      await mkdir(join(dir, "in"), { recursive: true });
      await mkdir(join(root, "tape-other"));
      await writeFile(join(root, "tape-other", "f"), "x");
      await symlink(join(root, "tape-other"), join(dir, "out"));
      await symlink(join(root, "tape-other", "f"), join(dir, "in", "link"));
      await expect(resolveInside(dir, "out/f")).rejects.toMatchObject({ code: "refused" });
      await expect(resolveInside(dir, "in/link")).rejects.toMatchObject({ code: "refused" });
      expect(await resolveInside(dir, "in/new")).toBe(join(dir, "in", "new"));
      expect(await resolveInside(dir, "not/yet/there")).toBe(join(dir, "not/yet/there"));
    });
  });
});
