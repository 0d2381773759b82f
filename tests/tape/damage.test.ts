import { describe, expect, test } from "bun:test";
import { mkdir, readdir, readFile, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Tape, TapeFile } from "../../src/tape/mod.ts";
import { DAY, gather, SCALES, SERIES, spread, withTape } from "./support.ts";

const READ = { ranges: [DAY], scales: SCALES };

async function written(tape: Tape): Promise<TapeFile> {
  const [file] = await tape.write({ series: SERIES, batch: spread(5_000, DAY), range: DAY, origin: "rest" });
  return file!;
}

describe("verify()", () => {
  test("tells whole, missing, truncated, flipped, emptied and replaced files apart", async () => {
    await withTape(async (tape) => {
      const file = await written(tape);
      const full = join(tape.dir, file.path);
      const content = await readFile(full);
      expect(await tape.verify(file)).toEqual({ kind: "ok" });

      const flipped = Buffer.from(content);
      flipped[1_000] = flipped[1_000]! ^ 1;
      await writeFile(full, flipped);
      expect(await tape.verify(file)).toMatchObject({
        kind: "corrupt",
        reason: expect.stringContaining("sha256"),
      });

      await writeFile(full, content);
      await truncate(full, content.length - 1);
      expect(await tape.verify(file)).toEqual({
        kind: "corrupt",
        reason: `expected ${content.length} bytes, found ${content.length - 1}`,
      });

      await truncate(full, 0);
      expect(await tape.verify(file)).toMatchObject({ kind: "corrupt" });

      await rm(full);
      expect(await tape.verify(file)).toEqual({ kind: "missing" });

      await mkdir(full);
      expect(await tape.verify(file)).toMatchObject({ kind: "corrupt" });

      await rm(join(tape.dir, "venue=binance"), { recursive: true });
      expect(await tape.verify(file)).toEqual({ kind: "missing" });
    });
  });

  test("never follows a link out of the tape", async () => {
    await withTape(async (tape) => {
      const file = await written(tape);
      const full = join(tape.dir, file.path);
      const aside = join(tape.dir, "aside");
      await rename(full, aside);
      await symlink(aside, full);
      await expect(tape.verify(file)).rejects.toMatchObject({ code: "refused" });
    });
  });
});

describe("verifyAll()", () => {
  test("answers every file in order, the same file twice included", async () => {
    await withTape(async (tape) => {
      const file = await written(tape);
      const gone = { ...file, path: `${file.path}x` };
      const wrong = { ...file, bytes: 1 };
      const answers = await tape.verifyAll([gone, file, wrong, file, gone]);
      expect(answers.map(({ result }) => result.kind)).toEqual(["missing", "ok", "corrupt", "ok", "missing"]);
      expect(await tape.verifyAll([])).toEqual([]);
    });
  });

  test("fails for a path outside the tape, and on the signal", async () => {
    await withTape(async (tape) => {
      const file = await written(tape);
      const bad = { ...file, path: "../x" };
      await expect(tape.verifyAll([file, bad, file])).rejects.toMatchObject({ code: "refused" });
      const signal = AbortSignal.abort();
      await expect(tape.verifyAll([file], { signal })).rejects.toMatchObject({ code: "aborted" });
    });
  });
});

describe("reading damaged files", () => {
  test("fails with the file's name, and never with wrong numbers, however the file is cut", async () => {
    await withTape(async (tape) => {
      const file = await written(tape);
      const full = join(tape.dir, file.path);
      const content = await readFile(full);
      for (const length of [content.length - 1, content.length >> 1, 4, 0]) {
        await writeFile(full, content.subarray(0, length));
        const folding = tape.contributions([file], { ...READ, binUnits: 1 });
        await expect(folding).rejects.toMatchObject({ code: "read", paths: [file.path] });
        await expect(gather(tape.trades([file], READ))).rejects.toMatchObject({ code: "read" });
      }
      await rm(full);
      await expect(tape.contributions([file], { ...READ, binUnits: 1 })).rejects.toMatchObject({
        code: "read",
        kind: "transient",
        message: expect.stringContaining(file.path),
      });
      // The tape serves on.
      const again = await written(tape);
      expect(await tape.verify(again)).toEqual({ kind: "ok" });
      expect((await gather(tape.trades([again], READ))).length).toBe(5_000);
    });
  });

  test("refuses a Parquet file that this tape did not write", async () => {
    await withTape(async (tape) => {
      const file = await written(tape);
      const foreign = await readFile(join(tape.dir, file.path)).then((content) =>
        Buffer.from(content.toString("latin1").replaceAll("schema_version", "schema_versiom"), "latin1"),
      );
      await writeFile(join(tape.dir, "foreign.parquet"), foreign);
      const source = { path: "foreign.parquet", firstId: 1, lastId: 2 };
      await expect(tape.contributions([source], { ...READ, binUnits: 1 })).rejects.toMatchObject({
        code: "format",
        kind: "permanent",
        message: expect.stringContaining("expected schema version 1, found none"),
      });
    });
  });

  test("refuses a path outside the tape", async () => {
    await withTape(async (tape) => {
      const source = { path: "../other.parquet", firstId: 1, lastId: 2 };
      await expect(tape.contributions([source], { ...READ, binUnits: 1 })).rejects.toMatchObject({
        code: "refused",
      });
    });
  });
});

describe("quarantine()", () => {
  test("moves the file, keeps its content, hides it from patterns and says so", async () => {
    const told: unknown[] = [];
    const logger = {
      info: () => undefined,
      warn: (fields: unknown, message: string) => told.push([fields, message]),
    };
    await withTape(
      async (tape) => {
        const file = await written(tape);
        const content = await readFile(join(tape.dir, file.path));
        const moved = await tape.quarantine(file, "expected sha256 a, found b");
        const path = `quarantine/${file.path}.1234.quarantined`;
        expect(moved).toEqual({ kind: "moved", path });
        expect(await readFile(join(tape.dir, path))).toEqual(content);
        expect(await tape.verify(file)).toEqual({ kind: "missing" });
        expect(told).toEqual([
          [{ path: file.path, reason: "expected sha256 a, found b", moved: path }, "tape file quarantined"],
        ]);
        expect(await tape.quarantine(file, "again")).toEqual({ kind: "missing" });
      },
      { logger, nowMs: () => 1_234 },
    );
  });

  test.each(["../x.parquet", "/etc/hostname", "venue=a/../../x", "venue=a//b"])(
    "refuses %p",
    async (path) => {
      await withTape(async (tape) => {
        await expect(tape.quarantine({ path }, "test")).rejects.toMatchObject({ code: "refused" });
      });
    },
  );

  test("refuses a link", async () => {
    await withTape(async (tape) => {
      await symlink("/etc", join(tape.dir, "venue=a"));
      await expect(tape.quarantine({ path: "venue=a/hostname" }, "test")).rejects.toMatchObject({
        code: "refused",
      });
      expect(await readdir(tape.dir)).not.toContain("quarantine");
    });
  });
});
