import { drainMicrotasks } from "bun:jsc";

interface Event {
  readonly at: number;
  /** Decides between events of the same time. */
  readonly tie: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** Steps of one run at most: far more than any sound run needs, so that a loop without end is told from a long run. */
const STEPS_MAX = 60_000;

/** Something that could not go on: a run that never settles. */
export class RunawayRun extends Error {
  override readonly name = "RunawayRun";
}

/**
 * Virtual time. Events run one by one, in the order of their times and, within the same millisecond, in an order that
 * the seed decides; after each, every promise that it settled is followed to its end. No event waits for real time or
 * a real callback, so a run is a function of its seed.
 */
export class Scheduler {
  readonly #random: () => number;
  readonly #heap: Event[] = [];
  #nowMs: number;
  #steps = 0;

  /** `nowMs`: where virtual time begins, milliseconds since the epoch. `random` answers [0, 1). */
  constructor(nowMs: number, random: () => number) {
    this.#nowMs = nowMs;
    this.#random = random;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** Events that have run. */
  get steps(): number {
    return this.#steps;
  }

  /** Events that wait and were not called off. */
  get pending(): number {
    return this.#heap.filter(({ cancelled }) => !cancelled).length;
  }

  /** Runs `run` once, `delayMs` from now; the answer calls it off. */
  after(delayMs: number, run: () => void): () => void {
    const event: Event = {
      at: this.#nowMs + Math.max(0, delayMs),
      tie: this.#random(),
      run,
      cancelled: false,
    };
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** Runs events until `done` says so, none is left, or `deadlineMs` (virtual) has come; answers whether `done` said so. */
  runUntil(done: () => boolean, deadlineMs: number): boolean {
    drainMicrotasks();
    while (!done()) {
      const next = this.#heap[0];
      if (next === undefined || next.at > deadlineMs) {
        this.#nowMs = Math.max(this.#nowMs, deadlineMs);
        return false;
      }
      this.#pop();
      if (next.cancelled) continue;
      if (++this.#steps > STEPS_MAX)
        throw new RunawayRun(`the run did not settle within ${STEPS_MAX} events`);
      this.#nowMs = Math.max(this.#nowMs, next.at);
      next.run();
      drainMicrotasks();
    }
    return true;
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (before(heap[parent]!, event)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (before(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}
