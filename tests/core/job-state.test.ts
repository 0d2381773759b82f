import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { JOB_STATUSES as STORED } from "../../db/mod.ts";
import {
  chunkEndEvent,
  isEndedState,
  JOB_EVENTS,
  JOB_STATES,
  type JobState,
  type JobStateEvent,
  jobOutcome,
} from "../../src/core/mod.ts";
import { jobHasEnded, JOB_STATUSES as ON_THE_WIRE } from "../../src/protocol/mod.ts";

/** The document without the spaces that line its tables up. */
const DOC = readFileSync(fileURLToPath(new URL("../../docs/job-state.md", import.meta.url)), "utf8").replace(
  / +\|/g,
  " |",
);
const PAIRS = JOB_STATES.flatMap((state) =>
  JOB_EVENTS.map((event): [JobState, JobStateEvent] => [state, event]),
);

test("JOB_STATES, are spelled alike in the core, in the database and on the wire", () => {
  expect([...STORED]).toEqual([...JOB_STATES]);
  expect([...ON_THE_WIRE]).toEqual([...JOB_STATES]);
  expect(JOB_STATES.filter(jobHasEnded)).toEqual(JOB_STATES.filter(isEndedState));
});

test("jobOutcome(), has an answer for every pair, and a reason for every refusal", () => {
  for (const [state, event] of PAIRS) {
    const outcome = jobOutcome(state, event);
    if (outcome.kind === "refused") expect(outcome.why).toMatch(/^[a-z].{5,}[^.]$/);
    if (outcome.kind === "moves") expect(outcome.to).not.toBe(state);
  }
});

test("docs/job-state.md, draws exactly the moves of jobOutcome()", () => {
  const drawn = Array.from(
    DOC.matchAll(/^ {2}(\w+) --> (\w+): (\w+)$/gm),
    ([, from, to, event]) => `${from} ${event} ${to}`,
  );
  const moves = PAIRS.flatMap(([state, event]) => {
    const outcome = jobOutcome(state, event);
    return outcome.kind === "moves" ? [`${state} ${event} ${outcome.to}`] : [];
  });
  expect(drawn.toSorted()).toEqual(moves.toSorted());
});

test("docs/job-state.md, its table has every cell of jobOutcome()", () => {
  const header = Array.from(/^\| event \|(.*)\|$/m.exec(DOC)?.[1]?.split("|") ?? [], (cell) => cell.trim());
  expect(header).toEqual([...JOB_STATES]);
  const shown = (state: JobState, event: JobStateEvent) => {
    const outcome = jobOutcome(state, event);
    return outcome.kind === "moves" ? `→ ${outcome.to}` : outcome.kind === "stays" ? "·" : "✕";
  };
  const rows = new Map(
    Array.from(DOC.matchAll(/^\| `(\w+)` \|((?:[^|\n]*\|){9})$/gm), ([, event = "", cells = ""]) => [
      event,
      cells
        .split("|")
        .slice(0, -1)
        .map((cell) => cell.trim()),
    ]),
  );
  expect([...rows.keys()]).toEqual([...JOB_EVENTS]);
  for (const event of JOB_EVENTS)
    expect(rows.get(event)).toEqual(JOB_STATES.map((state) => shown(state, event)));
});

test("docs/job-state.md, says what every state means", () => {
  const described = Array.from(DOC.matchAll(/^\| `(\w+)` \| [^|]{8,} \|$/gm), ([, state]) => state);
  expect(described).toEqual([...JOB_STATES]);
});

test("jobOutcome(), no event leads out of an ended state but retry, and nothing leads out of one that never runs", () => {
  for (const [state, event] of PAIRS) {
    if (!isEndedState(state)) continue;
    const moves = jobOutcome(state, event).kind === "moves";
    expect(moves).toBe(event === "retry" && state !== "skipped" && state !== "disabled");
  }
});

test("jobOutcome(), every state is reached from idle, and every open one can end", () => {
  const from = (start: JobState, events: readonly JobStateEvent[]) => {
    const seen = new Set<JobState>([start]);
    for (const state of seen)
      for (const event of events) {
        const outcome = jobOutcome(state, event);
        if (outcome.kind === "moves") seen.add(outcome.to);
      }
    return seen;
  };
  expect(from("idle", JOB_EVENTS).size).toBe(JOB_STATES.length);
  const inside = JOB_EVENTS.filter((event) => event !== "cancel" && event !== "deadline");
  for (const state of JOB_STATES) expect([...from(state, inside)].some(isEndedState)).toBe(true);
});

test("chunkEndEvent(), ends a job exactly when no chunk is left", () => {
  const count = fc.integer({ min: 0, max: 5 });
  fc.assert(
    fc.property(count, count, count, count, (chunksDone, chunksFailed, chunksCancelled, left) => {
      fc.pre(chunksDone + chunksFailed > 0);
      const chunksTotal = chunksDone + chunksFailed + chunksCancelled + left;
      const event = chunkEndEvent({ chunksTotal, chunksDone, chunksFailed, chunksCancelled });
      expect(event).toBe(left > 0 ? "chunk_ended" : chunksDone > 0 ? "last_chunk_done" : "all_failed");
    }),
  );
});
