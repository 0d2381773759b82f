import { expect, test } from "bun:test";
import { KeptReadings } from "../../src/app/kept-readings.ts";
import { AGE_MAX_MS, SharedReading } from "../../src/app/shared-reading.ts";
import { FakeClock, settle } from "../support/fake-clock.ts";

/** A reading of a number that grows with every read; reads end when they are told to. */
class Bench {
  readonly clock = new FakeClock();
  reads = 0;
  fails = false;
  holds = true;
  unmoved = false;
  #ends: (() => void)[] = [];
  readonly reading = new SharedReading<number>({
    read: async () => {
      const no = ++this.reads;
      await new Promise<void>((resolve) => this.#ends.push(resolve));
      if (this.fails) throw new Error("the database is gone");
      return no;
    },
    holds: () => this.holds,
    unmoved: () => this.unmoved,
    timers: this.clock,
  });

  async end(): Promise<void> {
    this.#ends.shift()?.();
    await settle();
  }

  /** Asks once, and lets the read it needs end. */
  async first(): Promise<void> {
    const asked = this.reading.get();
    await this.end();
    await asked;
  }
}

test("SharedReading.get(), many that ask together are answered by one read", async () => {
  const bench = new Bench();
  const asked = Promise.all(Array.from({ length: 20 }, () => bench.reading.get()));
  await bench.end();
  expect(await asked).toEqual(Array.from({ length: 20 }, () => 1));
});

test("SharedReading.get(), what is young is answered without a read, what is older is read again", async () => {
  const bench = new Bench();
  await bench.first();
  bench.clock.advance(AGE_MAX_MS);
  expect([await bench.reading.get(), bench.reads]).toEqual([1, 1]);
  bench.clock.advance(1);
  const asked = bench.reading.get();
  await bench.end();
  expect(await asked).toBe(2);
});

test("SharedReading.get(), what has not moved is answered however old, and what must not be shown however young is not", async () => {
  const bench = new Bench();
  await bench.first();
  bench.unmoved = true;
  bench.clock.advance(60_000);
  expect(await bench.reading.get()).toBe(1);
  bench.holds = false;
  const asked = bench.reading.get();
  await bench.end();
  // It began after it was asked for, so it is answered although it still does not hold.
  expect(await asked).toBe(2);
});

test("SharedReading.get(), `fresh` joins no read that began before, and two of them share the next", async () => {
  const bench = new Bench();
  const first = bench.reading.get();
  const fresh = Promise.all([bench.reading.get({ fresh: true }), bench.reading.get({ fresh: true })]);
  await bench.end();
  await bench.end();
  expect([await first, await fresh, bench.reads]).toEqual([1, [2, 2], 2]);
});

test("SharedReading.get(), a read that fails is told to those who waited for it, and the next one reads again", async () => {
  const bench = new Bench();
  bench.fails = true;
  const asked = [bench.reading.get(), bench.reading.get()].map((one) => one.catch((error: unknown) => error));
  await bench.end();
  expect(await Promise.all(asked)).toEqual([expect.any(Error), expect.any(Error)]);
  bench.fails = false;
  const again = bench.reading.get();
  await bench.end();
  expect(await again).toBe(2);
});

/** Readings that take a while, by name, in a bounded number. */
function keptBench(max = 8) {
  const clock = new FakeClock();
  const reads: string[] = [];
  const state = { running: 0, most: 0, unmoved: false, fails: false };
  const kept = new KeptReadings<string, number, SharedReading<number>>(clock, max);
  const ask = (name: string) => {
    const reading =
      kept.find(name) ??
      new SharedReading<number>({
        read: async () => {
          reads.push(name);
          state.most = Math.max(state.most, ++state.running);
          await new Promise<void>((resolve) => clock.after(50, resolve));
          state.running--;
          if (state.fails) throw new Error("the database is gone");
          return reads.length;
        },
        holds: () => true,
        unmoved: () => state.unmoved,
        timers: clock,
      });
    kept.keep(name, reading);
    return reading.get();
  };
  return { clock, reads, state, kept, ask };
}

test("KeptReadings, whoever keeps asking is answered from what is read in the background, one at a time", async () => {
  const { clock, reads, state, kept, ask } = keptBench();
  for (const name of ["a", "b", "c"]) {
    void ask(name);
    await clock.run(60);
  }
  for (let turn = 0; turn < 30; turn++) {
    await clock.run(500);
    const before = reads.length;
    await Promise.all(["a", "b", "c"].map(ask));
    expect(reads.length).toBe(before);
  }
  expect(state.most).toBe(1);
  await clock.run(10_000);
  const after = reads.length;
  await clock.run(60_000);
  // Nobody asks any more: nothing is read, and no timer is left.
  expect([reads.length, clock.pending]).toEqual([after, 0]);
  kept.close();
});

test("KeptReadings, a database that cannot be asked is not asked more often than one that can", async () => {
  const { clock, reads, state, ask } = keptBench();
  void ask("a");
  await clock.run(60);
  state.fails = true;
  const former = reads.length;
  for (let turn = 0; turn < 9; turn++) {
    await clock.run(100);
    await ask("a");
  }
  expect(reads.length - former).toBeLessThanOrEqual(2);
});

test("KeptReadings, what nothing contradicts is hardly read again", async () => {
  const { clock, reads, state, ask } = keptBench();
  state.unmoved = true;
  void ask("a");
  await clock.run(60);
  for (let turn = 0; turn < 20; turn++) {
    await clock.run(1_000);
    await ask("a");
  }
  expect(reads.length).toBeLessThanOrEqual(5);
});

test("KeptReadings, keeps a bounded number, and closing it ends the background", async () => {
  const { clock, kept, ask } = keptBench(2);
  for (const name of ["a", "b", "c"]) void ask(name);
  expect(["a", "b", "c"].map((name) => kept.find(name) !== undefined)).toEqual([false, true, true]);
  await clock.run(60);
  kept.close();
  void ask("b");
  await clock.run(60);
  expect(clock.pending).toBe(0);
});
