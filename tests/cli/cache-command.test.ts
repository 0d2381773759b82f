import { afterEach, beforeEach, expect, test } from "bun:test";
import { cacheCommand } from "../../src/cli/mod.ts";
import { fakeApp } from "../http/fake-deps.ts";
import { fakeTerminal } from "./terminal.ts";

let server: Bun.Server<undefined>;

beforeEach(() => {
  server = Bun.serve({ port: 0, fetch: fakeApp().app.fetch });
});
afterEach(() => server.stop(true));

async function run(...argv: string[]) {
  const terminal = fakeTerminal(server.url.href);
  const exit = await cacheCommand(argv, terminal.context);
  return { exit, out: terminal.out(), err: terminal.err() };
}

test("cache stats, tells what is on the disk", async () => {
  const { exit, out } = await run("stats");
  expect([exit, out]).toEqual([
    0,
    "tape      2 files in 2 segments, 3.0 MB, 500 trades\nprofiles  1, 0.4 MB\n",
  ]);
});

test("cache verify, asks until the server is through, and fails where files were damaged", async () => {
  const { exit, out } = await run("verify");
  expect([exit, out]).toEqual([
    1,
    "2 files of the tape proven, 1 segments damaged; 1 profiles proven, 0 damaged\n",
  ]);
  const json = JSON.parse((await run("verify", "--json")).out);
  expect(json).toEqual({
    type: "cache_verified",
    tape_files: 2,
    tape_damaged: 1,
    profile_files: 1,
    profiles_damaged: 0,
  });
});

test("cache clean, tells what it has removed", async () => {
  const { exit, out } = await run("clean");
  expect([exit, out]).toEqual([0, "1 profiles removed (0.4 MB), 3 unlisted files of the tape (1.5 MB)\n"]);
});

test("cache, words that are no command are a usage error", async () => {
  for (const words of [[], ["compact"], ["stats", "more"]]) {
    const { exit, err } = await run(...words);
    expect(exit).toBe(2);
    expect(err).toContain("bun run cache stats");
  }
});
