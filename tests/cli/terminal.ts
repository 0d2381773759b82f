import { PassThrough } from "node:stream";
import * as v from "valibot";
import { type CommandContext, JsonLine } from "../../src/cli/mod.ts";

/** A command's surroundings, with what it wrote. */
export function fakeTerminal(
  url: string,
  { tty = false, started = false, token }: { tty?: boolean; started?: boolean; token?: string } = {},
) {
  const stdout = Object.assign(new PassThrough(), { isTTY: tty, columns: 200 });
  const stderr = new PassThrough();
  const interrupt = new AbortController();
  const written = { out: "", err: "" };
  let connects = 0;
  let closes = 0;
  stdout.on("data", (part) => {
    written.out += String(part);
  });
  stderr.on("data", (part) => {
    written.err += String(part);
  });
  let clock = Date.parse("2026-01-03T12:00:00Z");
  const context: CommandContext = {
    async connect() {
      connects++;
      return {
        url,
        token,
        started,
        async close() {
          closes++;
        },
      };
    },
    stdout,
    stderr,
    // Each look at the clock is a second later, so that no line is held back.
    nowMs: () => {
      clock += 1_000;
      return clock;
    },
    signal: interrupt.signal,
  };
  return {
    context,
    interrupt: () => interrupt.abort(),
    out: () => written.out,
    err: () => written.err,
    connections: () => ({ connects, closes }),
    /** What was written, read as `--json` promises it. */
    json: () =>
      written.out
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => v.parse(JsonLine, JSON.parse(line))),
  };
}
