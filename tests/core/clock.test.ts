import { expect, test } from "bun:test";
import { pause, type Timers } from "../../src/core/mod.ts";

/** Timers that run when told to. */
function manualTimers() {
  const waiting = new Map<number, { readonly delayMs: number; readonly run: () => void }>();
  let next = 0;
  const timers: Timers = {
    now: () => 0,
    after(delayMs, run) {
      const id = next++;
      waiting.set(id, { delayMs, run });
      return () => waiting.delete(id);
    },
  };
  return { timers, waiting };
}

/** Listeners that a signal holds, counted. */
function countedSignal(controller: AbortController): { readonly signal: AbortSignal; listeners(): number } {
  let held = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    held++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    held--;
    remove(...args);
  };
  return { signal, listeners: () => held };
}

test("pause(), ends with its timer and leaves no listener behind", async () => {
  const { timers, waiting } = manualTimers();
  const { signal, listeners } = countedSignal(new AbortController());
  const paused = pause(timers, 250, signal);
  expect([...waiting.values()].map((w) => w.delayMs)).toEqual([250]);
  expect(listeners()).toBe(1);
  for (const { run } of waiting.values()) run();
  await paused;
  expect([waiting.size, listeners()]).toEqual([0, 0]);
});

test("pause(), ends with an abort and calls its timer off", async () => {
  const { timers, waiting } = manualTimers();
  const controller = new AbortController();
  const paused = pause(timers, 250, controller.signal);
  controller.abort();
  await paused;
  expect(waiting.size).toBe(0);
});

test("pause(), does not begin after an abort", async () => {
  const { timers, waiting } = manualTimers();
  await pause(timers, 250, AbortSignal.abort());
  expect(waiting.size).toBe(0);
});
