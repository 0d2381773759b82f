import { expect, test } from "bun:test";
import { Gate } from "../../src/tape/gate.ts";

const never = new AbortController().signal;

test("Gate lets holders in up to its bound, then in the order of their coming", async () => {
  const gate = new Gate(1, 10);
  const order: string[] = [];
  const first = await gate.enter(10_000, never);
  const second = gate.enter(10_000, never).then((leave) => {
    order.push("second");
    leave();
  });
  const third = gate.enter(10_000, never).then((leave) => {
    order.push("third");
    leave();
  });
  expect(order).toEqual([]);
  first();
  await Promise.all([second, third]);
  expect(order).toEqual(["second", "third"]);
});

test("Gate gives a place back once, however often its holder leaves", async () => {
  const gate = new Gate(1, 10);
  const leave = await gate.enter(10_000, never);
  leave();
  leave();
  const again = await gate.enter(10_000, never);
  const waiting = gate.enter(1, never);
  await expect(waiting).rejects.toMatchObject({ code: "timeout" });
  again();
});

test("Gate refuses a caller when its queue is full", async () => {
  const gate = new Gate(1, 1);
  const leave = await gate.enter(10_000, never);
  const waiting = gate.enter(10_000, never);
  await expect(gate.enter(10_000, never)).rejects.toMatchObject({ code: "busy", kind: "transient" });
  leave();
  (await waiting)();
});

test("Gate ends a wait on the signal and keeps its place for the next", async () => {
  const gate = new Gate(1, 10);
  const leave = await gate.enter(10_000, never);
  const stop = new AbortController();
  const given = gate.enter(10_000, stop.signal);
  const next = gate.enter(10_000, never);
  stop.abort();
  await expect(given).rejects.toMatchObject({ code: "aborted", kind: "aborted" });
  leave();
  (await next)();
  await expect(gate.enter(10_000, stop.signal)).rejects.toMatchObject({ code: "aborted" });
});
