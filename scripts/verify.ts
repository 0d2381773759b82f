/**
 * Everything a change must pass: types, lint, all tests. Arguments go through to `bun test`
 * (`bun run verify -- tests/core --seed 7`). The last line is `N passed, N failed`, with the report's own counts.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Counts, closingLine, countReport, filesWithoutReport } from "./verify-report.ts";

/** For the whole; a machine that is ten times as slow as ours still ends within. */
const TIME_LIMIT_MS = 30 * 60_000;
/** A test's own limit where it names none. Generous: a limit that is hit by noise finds no bugs. */
const TEST_TIMEOUT_MS = 60_000;
/** What a stopped step may take to clean up. */
const STOP_GRACE_MS = 5_000;
/** Each worker of the test runner takes up to 1 GB while it runs an embedded database. */
const WORKERS_MAX = 4;

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string) => join(root, "node_modules", ".bin", name);
const stop = new AbortController();
const interrupted = (signal: NodeJS.Signals) => stop.abort(`interrupted by ${signal}`);

/** Runs a step with its output shown; answers whether it succeeded. A stop ends it and all that it started. */
async function run(title: string, command: string, args: readonly string[]): Promise<boolean> {
  if (stop.signal.aborted) return false;
  console.log(`\n── ${title}`);
  // Its own process group, so that a stop reaches what the tests themselves have started.
  const child = spawn(command, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"], detached: true });
  const ended = new Promise<number | string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  let killTimer: ReturnType<typeof setTimeout> | undefined;
  const onStop = () => {
    signalGroup(child.pid, "SIGTERM");
    killTimer = setTimeout(() => signalGroup(child.pid, "SIGKILL"), STOP_GRACE_MS);
  };
  stop.signal.addEventListener("abort", onStop, { once: true });
  const code = await ended;
  stop.signal.removeEventListener("abort", onStop);
  clearTimeout(killTimer);
  if (stop.signal.aborted) signalGroup(child.pid, "SIGKILL");
  if (code !== 0)
    console.log(`── ${title}: failed (${typeof code === "number" ? `exit code ${code}` : code})`);
  return code === 0;
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended already.
  }
}

async function runTests(args: readonly string[]): Promise<{ readonly ok: boolean; readonly counts: Counts }> {
  const folder = await mkdtemp(join(tmpdir(), "tapeline-verify-"));
  const report = join(folder, "junit.xml");
  try {
    const ok = await run("tests", process.execPath, [
      "test",
      "--no-orphans",
      `--parallel=${Math.min(WORKERS_MAX, availableParallelism())}`,
      `--timeout=${TEST_TIMEOUT_MS}`,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...args,
    ]);
    if (!existsSync(report)) {
      console.log(
        stop.signal.aborted
          ? `Tests were stopped: ${stop.signal.reason}.`
          : "The test runner left no report.",
      );
      return { ok: false, counts: { passed: 0, failed: 1, skipped: 0 } };
    }
    const xml = await readFile(report, "utf8");
    const counts = countReport(xml);
    // A file that cannot be loaded stands in no report. Which files were meant is only known without arguments.
    const unheard = args.length === 0 ? filesWithoutReport(xml, await testFiles()) : [];
    for (const file of unheard)
      console.log(`No test of ${file} was run: it cannot be loaded, or holds none.`);
    const failed = Math.max(counts.failed + unheard.length, ok ? 0 : 1);
    if (counts.passed + failed === 0) console.log("No test was run.");
    return { ok: ok && failed === 0 && counts.passed > 0, counts: { ...counts, failed } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function testFiles(): Promise<string[]> {
  return Array.fromAsync(new Bun.Glob("tests/**/*.test.{ts,tsx}").scan({ cwd: root }));
}

process.once("SIGINT", interrupted);
process.once("SIGTERM", interrupted);
const limit = setTimeout(
  () => stop.abort(`not done within the time limit of ${TIME_LIMIT_MS / 60_000} min`),
  TIME_LIMIT_MS,
);
const types = await run("types", bin("tsc"), ["--noEmit"]);
const lint = await run("lint", bin("biome"), ["check"]);
const tests = await runTests(process.argv.slice(2).filter((arg, i) => !(i === 0 && arg === "--")));
clearTimeout(limit);
if (stop.signal.aborted) console.log(`\nStopped: ${stop.signal.reason}.`);
console.log(
  `\ntypes ${types ? "ok" : "FAILED"}, lint ${lint ? "ok" : "FAILED"}, tests ${tests.ok ? "ok" : "FAILED"}`,
);
console.log(closingLine(tests.counts));
process.exit(types && lint && tests.ok ? 0 : 1);
