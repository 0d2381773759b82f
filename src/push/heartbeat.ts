import type { PushTimers } from "./timers.ts";

export interface HeartbeatOptions {
  readonly timers: PushTimers;
  readonly pingMs: number;
  /** Undefined: no answer is expected. */
  readonly pongMs: number | undefined;
  readonly ping: () => void;
  readonly onDead: () => void;
}

/** Pings at an interval, and reports a client that does not answer in time. Only an answer counts as one. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #cancelPing: (() => void) | undefined;
  #cancelDeadline: (() => void) | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  start(): void {
    const { timers, pingMs, pongMs, ping, onDead } = this.#options;
    this.#cancelPing = timers.after(pingMs, () => {
      this.start();
      if (pongMs !== undefined)
        this.#cancelDeadline ??= timers.after(pongMs, () => {
          this.stop();
          onDead();
        });
      ping();
    });
  }

  pong(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }

  stop(): void {
    this.#cancelPing?.();
    this.pong();
  }
}
