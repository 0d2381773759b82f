import { setImmediate } from "node:timers/promises";

/** How long a loop may hold the event loop before it lets others in, ms. */
const SLICE_MS = 3;

/** Lets a long loop give way: look at `due` every few thousand rows, and `rest()` when it is. */
export class Pace {
  #since = performance.now();

  /** True when the slice is used up and `rest()` is due. */
  get due(): boolean {
    return performance.now() - this.#since >= SLICE_MS;
  }

  /** Lets timers and sockets run, then begins a new slice. */
  async rest(): Promise<void> {
    await setImmediate();
    this.#since = performance.now();
  }
}
