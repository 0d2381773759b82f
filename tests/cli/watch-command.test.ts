import { afterEach, expect, test } from "bun:test";
import { backfillCommand } from "../../src/cli/mod.ts";
import { FakeServer, JOB_ID } from "./fake-server.ts";
import { fakeTerminal } from "./terminal.ts";

const servers: FakeServer[] = [];
function serve(options: { pushes?: boolean } = {}): FakeServer {
  const server = new FakeServer(options);
  servers.push(server);
  return server;
}
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

test("backfill watch, without pushes the server holds its answer back until the job changes", async () => {
  const server = serve({ pushes: false });
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand(["watch", JOB_ID], terminal.context);
  await server.until(() => server.heldBack === 1);
  server.move("in_progress", 61, { told: false });
  await server.until(() => server.heldBack === 2);
  server.move("complete", 144, { told: false });
  expect(await exit).toBe(0);
  const out = terminal.out();
  expect(out).toContain("61/144 chunks");
  expect(out).toContain("job in_progress → complete");
  expect(server.heldBack).toBe(2);
});

test("backfill watch --timeout, ends with 1 and says what was reached and who goes on", async () => {
  for (const started of [false, true]) {
    const server = serve({ pushes: !started });
    const terminal = fakeTerminal(server.url, { started });
    expect(await backfillCommand(["watch", "--timeout", "1", JOB_ID], terminal.context)).toBe(1);
    const whatNext = started
      ? "it stops with this command and is resumable"
      : `it goes on in the server at ${server.url}`;
    expect(terminal.err()).toBe(
      `Waited 1 s: job ${JOB_ID} is in_progress at 41.6 %, 60/144 chunks, 6,000 trades; ${whatNext}.\n`,
    );
    expect(terminal.connections()).toEqual({ connects: 1, closes: 1 });
  }
});

test("backfill watch --timeout --json, the last line says it", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  expect(await backfillCommand(["watch", JOB_ID, "--timeout", "1", "--json"], terminal.context)).toBe(1);
  const last = terminal.json().at(-1);
  expect(last?.type === "error" ? last.message : "").toStartWith("Waited 1 s: job");
});

test("backfill watch --timeout, a job that ends in time is as without", async () => {
  const server = serve();
  const terminal = fakeTerminal(server.url);
  const exit = backfillCommand(["watch", "--timeout", "600"], terminal.context);
  await server.subscribed(2);
  server.move("complete", 144);
  expect(await exit).toBe(0);
});

test.each([
  [["watch", "--timeout", "0"], "--timeout: expected a whole number of seconds from 1 to 604800"],
  [["watch", "--timeout", "soon"], 'got "soon"'],
  [["status", "--timeout", "5"], "status takes no --timeout"],
])("backfill %p, is a usage error", async (words, message) => {
  const terminal = fakeTerminal("http://127.0.0.1:1");
  expect(await backfillCommand(words, terminal.context)).toBe(2);
  expect(terminal.err()).toContain(message);
});
