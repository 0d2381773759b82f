import type { BackfillRequest } from "../../../src/backfill/request.ts";
import type { JobCommand } from "../../../src/backfill/store/command.ts";
import { CLOCK_RATE_SPREAD } from "./monitor.ts";
import { SimulatedProcess } from "./simulated-process.ts";
import { Worker, type WorkerOptions } from "./worker.ts";
import type { World } from "./world.ts";

const TROUBLE_MIN_MS = 8_000;
const TROUBLE_MAX_MS = 50_000;
const PROCESSES_MAX = 4;
/** Actions from this one on harm nobody. */
const CALM_ACTIONS_FROM = 6;
const ACTIONS_MAX = 10;
const LEASES_MS = [3_000, 6_000, 15_000];
const CHUNK_MINUTES = [5, 10, 20];
/** Clocks of machines differ by up to this. */
const CLOCK_OFFSET_MAX_MS = 3_600_000;
const SUBMIT_PATIENCE_MS = 40_000;
const SUBMIT_AGAIN_MS = 2_000;
const RESUME_AGAIN_MS = 3_000;

/** Who runs when, and what happens to them. */
export class Chaos {
  readonly endsAtMs: number;
  readonly #world: World;
  readonly #options: WorkerOptions;
  readonly #wanted: number;
  #workers: Worker[] = [];
  #names = 0;
  #waiting = 0;
  #healed = false;
  #ending = false;

  constructor(world: World) {
    this.#world = world;
    this.endsAtMs = world.scheduler.nowMs() + world.between(TROUBLE_MIN_MS, TROUBLE_MAX_MS);
    this.#wanted = world.embedded ? 1 : world.between(1, PROCESSES_MAX + 1);
    this.#options = {
      parallel: world.between(1, 5),
      leaseMs: LEASES_MS[world.between(0, LEASES_MS.length)]!,
      chunkMinutes: CHUNK_MINUTES[world.between(0, CHUNK_MINUTES.length)]!,
    };
  }

  begin(requests: readonly BackfillRequest[]): void {
    const world = this.#world;
    for (let n = 0; n < this.#wanted; n++) this.#launch();
    const span = this.endsAtMs - world.scheduler.nowMs();
    for (const request of requests) {
      this.#waiting += 1;
      world.scheduler.after(world.between(0, span * 0.6), () => this.#submit(request));
    }
    const actions = world.between(0, ACTIONS_MAX + 1);
    for (let n = 0; n < actions; n++) world.scheduler.after(world.between(0, span), () => this.#act());
  }

  /** Nothing fails any more, and somebody works. */
  heal(): void {
    this.#healed = true;
    this.#world.trace(undefined, () => "healed");
    this.#world.heal();
    for (const { process, connection } of this.#workers) {
      connection.cutUntil = Number.NEGATIVE_INFINITY;
      connection.heartbeatsCutUntil = Number.NEGATIVE_INFINITY;
      process.resume();
    }
    if (!this.#workers.some(({ process }) => process.isRunning)) this.#launch();
    this.#resumeAll();
  }

  /** Every request has become a job. */
  get accepted(): boolean {
    return this.#waiting === 0;
  }

  /** What processes that lived on do not know although they could. */
  memoryFaults(): string[] {
    return this.#workers
      .filter(({ process }) => process.isRunning)
      .flatMap((worker) =>
        worker.ledger
          .unknownMinutes((id) => worker.store.byId(id))
          .map((which) => `${worker.process.name} committed ${which} and does not know`),
      );
  }

  stopAll(): void {
    this.#ending = true;
    for (const worker of this.#workers)
      if (worker.isReady) this.#stop(worker, () => undefined);
      else if (!worker.isStopping) worker.process.kill();
  }

  get allStopped(): boolean {
    return this.#workers.every(({ process }) => !process.isRunning);
  }

  #launch(): void {
    const world = this.#world;
    this.#names += 1;
    const process = new SimulatedProcess(`p${this.#names}`, world.scheduler, {
      offsetMs: world.between(-CLOCK_OFFSET_MAX_MS, CLOCK_OFFSET_MAX_MS),
      rate: 1 + (world.random() - 0.5) * CLOCK_RATE_SPREAD,
    });
    const worker = new Worker(world, process, this.#options);
    this.#workers.push(worker);
    world.trace(process, () => "starts");
    void worker.start();
  }

  #act(): void {
    const world = this.#world;
    if (this.#healed) return;
    const living = this.#workers.filter(({ process }) => process.isRunning);
    const victim = living[world.between(0, living.length)];
    if (victim === undefined) return;
    const { process, connection } = victim;
    const spanMs = world.between(500, 3 * this.#options.leaseMs);
    const until = world.scheduler.nowMs() + spanMs;
    const tell = (what: string) => world.trace(process, () => `${what}, ${spanMs} ms`);
    const actions = [
      () => this.#crash(victim, spanMs),
      () => this.#crash(victim, spanMs),
      () => {
        tell("pauses");
        world.monitor.tally.pauses += 1;
        process.pause();
        world.scheduler.after(spanMs, () => process.resume());
      },
      () => {
        tell("loses the network");
        connection.cutUntil = until;
      },
      () => {
        tell("heartbeats stall");
        connection.heartbeatsCutUntil = until;
      },
      () => {
        if (!world.embedded) tell("the database is down");
        world.databaseDownUntil = until;
      },
      () => {
        if (!victim.isReady) return;
        tell("stops");
        this.#stop(victim, () => world.scheduler.after(spanMs, () => this.#refill()));
      },
      () => {
        if (!world.embedded && living.length < PROCESSES_MAX) this.#launch();
      },
      () => this.#control(victim),
      () => this.#control(victim),
      () => this.#control(victim),
    ];
    // Where nothing fails, somebody may still stop processes, start more and command jobs.
    const first = world.calm ? CALM_ACTIONS_FROM : 0;
    actions[world.between(first, actions.length)]!();
  }

  /** Somebody commands a job, and does not mind when it is refused or not heard. */
  #control(worker: Worker): void {
    const world = this.#world;
    const ids = [...world.database.tables.jobs.keys()];
    const id = ids[world.between(0, ids.length)];
    if (id === undefined || !worker.isReady) return;
    const commands: readonly JobCommand[] = [
      { kind: "pause" },
      { kind: "pause" },
      { kind: "resume" },
      { kind: "cancel" },
      { kind: "retry" },
      { kind: "adjust", priority: world.between(0, 5), maxParallel: world.between(1, 5) },
    ];
    worker.control(id, commands[world.between(0, commands.length)]!).catch(() => undefined);
  }

  /** Whoever has paused a job lets it go on, until that is heard. */
  #resumeAll(): void {
    const paused = [...this.#world.database.tables.jobs.values()].filter(({ status }) => status === "paused");
    const worker = this.#workers.find(({ isReady }) => isReady);
    for (const { id } of paused) worker?.control(id, { kind: "resume" }).catch(() => undefined);
    if (!this.#ending) this.#world.scheduler.after(RESUME_AGAIN_MS, () => this.#resumeAll());
  }

  #crash({ process }: Worker, awayMs: number): void {
    this.#world.trace(process, () => `crashes, ${awayMs} ms`);
    this.#world.monitor.tally.crashes += 1;
    process.kill();
    this.#world.scheduler.after(awayMs, () => this.#refill());
  }

  /** A supervisor starts what is missing; in the embedded mode only when the former process is gone. */
  #refill(): void {
    if (this.#ending) return;
    if (this.#workers.filter(({ process }) => !process.isDead).length < this.#wanted) this.#launch();
  }

  #stop(worker: Worker, then: () => void): void {
    // A process whose dispatcher has stopped exits, whatever it still waits for.
    void worker.stop().then(() => {
      this.#world.trace(worker.process, () => "has stopped");
      worker.process.kill();
      then();
    });
  }

  /** As a client does: asks anybody who answers, and again when no answer comes. */
  #submit(request: BackfillRequest): void {
    const world = this.#world;
    const ready = this.#workers.filter(({ isReady }) => isReady);
    const worker = ready[world.between(0, ready.length)];
    let settled = false;
    const again = (why: string) => {
      if (settled) return;
      settled = true;
      world.trace(worker?.process, () => `request not accepted: ${why}`);
      world.scheduler.after(SUBMIT_AGAIN_MS, () => this.#submit(request));
    };
    if (worker === undefined) {
      again("nobody is there");
      return;
    }
    world.scheduler.after(SUBMIT_PATIENCE_MS, () => again("no answer"));
    worker.submit(request).then(
      ({ kind, job }) => {
        if (settled) return;
        settled = true;
        this.#waiting -= 1;
        world.trace(
          worker.process,
          () => `request is job ${job.id.slice(-3)} (${kind}), ${job.chunksTotal} chunks`,
        );
      },
      (thrown: unknown) => again(thrown instanceof Error ? thrown.message : "failed"),
    );
  }
}
