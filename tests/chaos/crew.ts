import { thisProcess } from "../../src/runtime/mod.ts";
import type { Running, Variables, Workbench } from "../support/processes.ts";
import { until } from "../support/until.ts";

/** A worker that finds the database recovering ends, and whoever runs it starts it again. */
const STARTS_MAX = 20;
const RESTART_MS = 250;

/** The workers, kept at their number as a service manager would. */
export class Crew {
  readonly #bench: Workbench;
  readonly #env: Variables;
  readonly #workers: Running[] = [];

  constructor(bench: Workbench, env: Variables) {
    this.#bench = bench;
    this.#env = env;
  }

  get size(): number {
    return this.#workers.length;
  }

  async hire(count: number): Promise<void> {
    this.#workers.push(...(await Promise.all(Array.from({ length: count }, () => this.#start()))));
  }

  /** Throws what a worker said last when it has ended and nobody killed it. */
  worker(index: number): Running {
    const worker = this.#workers[index];
    if (worker === undefined) throw new Error(`there is no worker ${index}`);
    if (!isAlive(worker)) throw new Error(`a worker died by itself:\n${lastWordsOf(worker)}`);
    return worker;
  }

  async kill(index: number): Promise<void> {
    const worker = this.worker(index);
    worker.kill("SIGKILL");
    await worker.ended();
    this.#workers[index] = await this.#start();
  }

  async #start(): Promise<Running> {
    for (let starts = 1; ; starts++) {
      const worker = this.#bench.start("work", [], this.#env);
      const begun = () => worker.stdout().includes('"msg":"working"');
      await until("a worker to begin or to give up", () => begun() || !isAlive(worker));
      if (isAlive(worker)) return worker;
      await worker.ended();
      if (begun() || starts === STARTS_MAX || !/the database/.test(worker.stderr()))
        throw new Error(`a worker could not be started:\n${lastWordsOf(worker)}`);
      await Bun.sleep(RESTART_MS);
    }
  }
}

function isAlive({ pid }: Running): boolean {
  return thisProcess().isAlive(pid);
}

function lastWordsOf(worker: Running): string {
  return `${worker.stdout().slice(-2_000)}\n${worker.stderr()}`;
}
