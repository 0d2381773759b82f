import { describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTape } from "../../src/tape/mod.ts";
import { DAY, SERIES, spread, withDir, withTape } from "./support.ts";

const LONG_AGO = new Date(Date.UTC(2020, 0, 1));

describe("sweep()", () => {
  test("removes old files that nobody lists, and keeps listed, young, quarantined and foreign ones", async () => {
    await withTape(async (tape) => {
      const file = async (firstId: number) =>
        (
          await tape.write({ series: SERIES, batch: spread(10, DAY, firstId), range: DAY, origin: "rest" })
        )[0]!;
      const listed = await file(1);
      const orphan = await file(100);
      const young = await file(200);
      const bad = await file(300);
      const moved = await tape.quarantine(bad, "test");
      await writeFile(join(tape.dir, "notes.parquet"), "mine");
      await writeFile(join(tape.dir, listed.path, "..", "notes.txt"), "mine");
      const old = [listed.path, orphan.path, "notes.parquet", `${listed.path}/../notes.txt`];
      if (moved.kind === "moved") old.push(moved.path);
      for (const path of old) await utimes(join(tape.dir, path), LONG_AGO, LONG_AGO);

      const swept = await tape.sweep({ listed: [listed.path] });
      expect(swept).toEqual({ temps: [], unlisted: [orphan.path], bytes: orphan.bytes });
      expect(await tape.verify(listed)).toEqual({ kind: "ok" });
      expect(await tape.verify(young)).toEqual({ kind: "ok" });
      expect(await tape.verify(orphan)).toEqual({ kind: "missing" });
      for (const path of old.filter((path) => path !== orphan.path)) await stat(join(tape.dir, path));
      expect(await tape.sweep({ listed: [listed.path] })).toEqual({ temps: [], unlisted: [], bytes: 0 });
    });
  });

  test("uses the grace that it is given", async () => {
    const nowMs = () => Date.now() + 5_000;
    await withTape(
      async (tape) => {
        const [file] = await tape.write({
          series: SERIES,
          batch: spread(10, DAY),
          range: DAY,
          origin: "rest",
        });
        expect((await tape.sweep({ listed: [], graceMs: 3_600_000 })).unlisted).toEqual([]);
        expect((await tape.sweep({ listed: [], graceMs: 1_000 })).unlisted).toEqual([file!.path]);
      },
      { nowMs },
    );
  });
});

describe("createTape()", () => {
  test("clears what a crash between writing and renaming has left; nobody ever saw it", async () => {
    await withDir(async (dir) => {
      const first = await createTape({ dir });
      const temp = join(dir, ".incoming", "0b5a.tmp");
      const young = join(dir, ".incoming", "77aa.tmp");
      await writeFile(temp, "PAR1 half a file");
      await utimes(temp, LONG_AGO, LONG_AGO);
      await writeFile(young, "of a writer that is still at work");
      expect((await first.query(`SELECT count(*)::INT FROM glob('${first.dir}/**/*.parquet')`)).rows).toEqual(
        [[0]],
      );
      await first.close();

      const second = await createTape({ dir });
      expect(await readdir(join(dir, ".incoming"))).toEqual(["77aa.tmp"]);
      await second.close();
      const alone = await createTape({ dir, tempGraceMs: 0, nowMs: () => Date.now() + 1_000 });
      expect(await readdir(join(dir, ".incoming"))).toEqual([]);
      await alone.close();
    });
  });

  test("finds only whole files after kill -9 in the middle of writing", async () => {
    await withDir(async (dir) => {
      const writer = spawn(process.execPath, [join(import.meta.dir, "endless-writer.ts"), dir], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const ended = once(writer, "exit");
      await once(writer.stdout, "data");
      writer.kill("SIGKILL");
      await ended;
      const tape = await createTape({ dir, tempGraceMs: 0, nowMs: () => Date.now() + 1_000 });
      expect(await readdir(join(dir, ".incoming"))).toEqual([]);
      const found = await tape.query(
        `SELECT count(*)::INT, count(DISTINCT filename)::INT FROM read_parquet('${tape.glob}', filename = true)`,
      );
      const [trades, files] = found.rows[0]!;
      expect(files).toBeGreaterThan(0);
      expect(trades).toBe(Number(files) * 2_000);
      await tape.close();
    });
  });

  test("refuses a directory that is a file or reads as a pattern", async () => {
    await withDir(async (dir) => {
      await writeFile(join(dir, "file"), "");
      await expect(createTape({ dir: join(dir, "file") })).rejects.toMatchObject({ code: "open" });
      await expect(createTape({ dir: join(dir, "a*b") })).rejects.toMatchObject({ code: "open" });
    });
  });

  test("serves one directory to two tapes at once", async () => {
    await withDir(async (dir) => {
      const one = await createTape({ dir });
      const two = await createTape({ dir });
      const [file] = await one.write({ series: SERIES, batch: spread(10, DAY), range: DAY, origin: "rest" });
      expect(await two.verify(file!)).toEqual({ kind: "ok" });
      await Promise.all([one.close(), two.close()]);
    });
  });
});
