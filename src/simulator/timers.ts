import { setImmediate as nextTurn } from "node:timers/promises";

/** Time as the simulator needs it, given in so that a test can hold it. */
export interface Timers {
  /** Calls `work` every `ms` until the answer is called. */
  every(ms: number, work: () => void): () => void;
  /** Calls `work` once after `ms`, unless the answer is called before. */
  after(ms: number, work: () => void): () => void;
  /** Resolves when everything else that is due has had its turn. */
  giveWay(): Promise<void>;
}

/** The timers of the running process. */
export const systemTimers: Timers = {
  every(ms, work) {
    const handle = setInterval(work, ms);
    return () => clearInterval(handle);
  },
  after(ms, work) {
    const handle = setTimeout(work, ms);
    return () => clearTimeout(handle);
  },
  giveWay: () => nextTurn(),
};
