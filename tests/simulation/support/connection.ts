import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

/** A caller gives a statement up after this long. */
const STATEMENT_TIMEOUT_MS = 8_000;
const SLOW_MAX_MS = 7_000;
const LATE_MAX_MS = 12_000;
const TRAVEL_MAX_MS = 20;

/** The way of one process to the database: statements travel, are done in one moment, and their answers travel back. */
export class Connection {
  readonly #world: World;
  readonly #process: SimulatedProcess;
  /** Nothing gets through before. */
  cutUntil = Number.NEGATIVE_INFINITY;
  /** No heartbeat gets through before. */
  heartbeatsCutUntil = Number.NEGATIVE_INFINITY;

  constructor(world: World, process: SimulatedProcess) {
    this.#world = world;
    this.#process = process;
  }

  /** Sends a statement; `effect` does it in the database. Rejects when the answer does not come. */
  ask<T>(name: string, effect: () => Promise<T>): Promise<T> {
    const world = this.#world;
    const { scheduler, faults } = world;
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const fail = (delayMs: number, why: string) =>
      scheduler.after(delayMs, () =>
        this.#process.deliver(() => {
          world.trace(this.#process, () => `${name}: ${why}`);
          reject(new Error(`${name}: ${why}`));
        }),
      );
    const travel = () => world.between(0, world.embedded ? 2 : TRAVEL_MAX_MS);
    const there = travel() + (world.chance(faults.slow) ? world.between(0, SLOW_MAX_MS) : 0);
    const back = travel() + (world.chance(faults.slow) ? world.between(0, SLOW_MAX_MS) : 0);
    if (this.#isCut(name) || world.chance(faults.lost)) {
      fail(world.between(1, STATEMENT_TIMEOUT_MS), "the connection was lost");
      return promise;
    }
    if (!world.embedded && world.chance(faults.late)) {
      fail(there, "given up");
      this.#arrive(there + world.between(1, LATE_MAX_MS), () => void effect().catch(() => undefined));
      return promise;
    }
    const answered = !world.chance(faults.unanswered);
    const twice = !world.embedded && name === "commit" && world.chance(faults.twice);
    this.#arrive(there, () => {
      if (!world.embedded && scheduler.nowMs() < world.databaseDownUntil) {
        fail(back, "the database is down");
        return;
      }
      const deliver = (settle: () => void) =>
        answered
          ? scheduler.after(back, () => this.#process.deliver(settle))
          : fail(back + world.between(0, STATEMENT_TIMEOUT_MS), "no answer");
      effect().then(
        (value) => deliver(() => resolve(value)),
        (thrown: unknown) => deliver(() => reject(thrown)),
      );
      if (twice) this.#arrive(world.between(0, 500), () => void effect().catch(() => undefined));
    });
    return promise;
  }

  #isCut(name: string): boolean {
    const now = this.#world.scheduler.nowMs();
    return now < this.cutUntil || (name === "heartbeat" && now < this.heartbeatsCutUntil);
  }

  /** What has been sent is done though its sender is gone, unless the database is a part of it. */
  #arrive(delayMs: number, run: () => void): void {
    const { scheduler, embedded } = this.#world;
    scheduler.after(delayMs, embedded ? () => this.#process.deliver(run) : run);
  }
}
