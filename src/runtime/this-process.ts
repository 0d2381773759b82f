import type { Clock } from "../core/mod.ts";
import { systemTimers } from "./system-timers.ts";

/** What the rest of the house may know of the process it runs in. */
export interface ThisProcess {
  readonly pid: number;
  /** The Bun that runs it. */
  readonly executable: string;
  /** Whether a process with this id runs. */
  isAlive(pid: number): boolean;
  /** The machine's clock, moved by `offsetMs`. */
  clock(offsetMs: number): Clock;
  /** Lets everything that waits for the event loop have its turn. */
  yieldTurn(): Promise<void>;
  readonly random: () => number;
}

export function thisProcess(): ThisProcess {
  return {
    pid: process.pid,
    executable: process.execPath,
    isAlive(pid) {
      try {
        process.kill(pid, 0);
        return true;
      } catch (thrown) {
        // EPERM: it runs, but is somebody else's.
        return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM";
      }
    },
    clock: (offsetMs) => ({ ...systemTimers(), nowMs: () => Date.now() + offsetMs }),
    yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    random: Math.random,
  };
}
