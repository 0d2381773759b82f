import type { PushTimers } from "./timers.ts";

/** Timers of one delay that run in one turn of the event loop; a crowd that came together is pinged together. */
const RUNS_PER_TURN = 200;

/** Links of a ring; the queue itself is the link between its last and its first. */
interface Link {
  before: Link;
  behind: Link;
}

interface Waiting extends Link {
  readonly dueMs: number;
  readonly run: () => void;
}

/**
 * Timers for very many owners with few delays between them. What waits equally long comes due in the order it came, so the timers of one
 * delay are a queue with one timer of the machine at its head, and calling one off costs nothing but taking it out.
 */
export class DelayQueues implements PushTimers {
  readonly #timers: PushTimers;
  readonly #queues: ReadonlyMap<number, DelayQueue>;

  /** Delays that are not listed get a timer of their own. */
  constructor(timers: PushTimers, delaysMs: readonly number[]) {
    this.#timers = timers;
    this.#queues = new Map(delaysMs.map((delayMs) => [delayMs, new DelayQueue(timers, delayMs)]));
  }

  now(): number {
    return this.#timers.now();
  }

  after(delayMs: number, run: () => void): () => void {
    return this.#queues.get(delayMs)?.add(run) ?? this.#timers.after(delayMs, run);
  }
}

class DelayQueue implements Link {
  readonly #timers: PushTimers;
  readonly #delayMs: number;
  before: Link = this;
  behind: Link = this;
  #cancel: (() => void) | undefined;

  constructor(timers: PushTimers, delayMs: number) {
    this.#timers = timers;
    this.#delayMs = delayMs;
  }

  add(run: () => void): () => void {
    const { before } = this;
    const added: Waiting = { dueMs: this.#timers.now() + this.#delayMs, run, before, behind: this };
    before.behind = added;
    this.before = added;
    this.#cancel ??= this.#arm(this.#delayMs);
    return () => this.#remove(added);
  }

  #arm(delayMs: number): () => void {
    return this.#timers.after(delayMs, () => {
      this.#cancel = undefined;
      this.#runDue();
    });
  }

  #runDue(): void {
    try {
      for (let runs = 0; runs < RUNS_PER_TURN; runs++) {
        const first = this.#first();
        if (first === undefined || first.dueMs > this.#timers.now()) break;
        this.#unlink(first);
        first.run();
      }
    } finally {
      // One that was added meanwhile has armed for itself, and others may be before it.
      this.#cancel?.();
      this.#cancel = undefined;
      const first = this.#first();
      if (first !== undefined) this.#cancel = this.#arm(Math.max(0, first.dueMs - this.#timers.now()));
    }
  }

  #remove(waiting: Waiting): void {
    this.#unlink(waiting);
    if (this.#first() !== undefined) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Once more does no harm: what is out is a ring of its own. */
  #unlink(link: Link): void {
    link.before.behind = link.behind;
    link.behind.before = link.before;
    link.before = link;
    link.behind = link.before;
  }

  #first(): Waiting | undefined {
    const { behind } = this;
    return isWaiting(behind) ? behind : undefined;
  }
}

function isWaiting(link: Link): link is Waiting {
  return "run" in link;
}
