import { expect, test } from "bun:test";
import { ConnectGate } from "../../../src/venues/binance/connect-gate.ts";
import { ManualClock } from "../support/manual-clock.ts";

test("reserve() allows 300 connections in any five minutes", async () => {
  const clock = new ManualClock(1_000_000);
  const gate = new ConnectGate(clock, () => 0);
  const waits = Array.from({ length: 601 }, () => gate.reserve(0));
  expect([waits[0], waits[299], waits[300], waits[599], waits[600]]).toEqual([
    0, 0, 300_000, 300_000, 600_000,
  ]);
  await clock.advance(900_000);
  expect(gate.reserve(0)).toBe(0);
});

test("reserve() waits for the delay asked for and for a ban's end", () => {
  const clock = new ManualClock(1_000_000);
  let banMsLeft = 0;
  const gate = new ConnectGate(clock, () => banMsLeft);
  expect(gate.reserve(700)).toBe(700);
  banMsLeft = 120_000;
  expect(gate.reserve(700)).toBe(120_000);
});
