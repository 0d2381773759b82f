import {
  type ConnectRequest,
  type Grant,
  type Lifetime,
  type PushError,
  pushError,
} from "../protocol/mod.ts";
import { type Authorization, type Authorizer, errorOf } from "./authorize.ts";
import { Expiry } from "./expiry.ts";
import type { PushLimits } from "./push-limits.ts";
import { type PushTimers, withinTime } from "./timers.ts";

export interface AdmissionOptions {
  readonly authorizer: Authorizer;
  readonly limits: PushLimits;
  readonly timers: PushTimers;
  readonly nowMs: () => number;
  /** What the client is given to come with a new token, ms. */
  readonly graceMs: number;
  /** What the client may do, each time that this is decided anew. */
  readonly onGrant: (grant: Grant) => void;
  /** No new token came in time. */
  readonly onLapsed: () => void;
}

/** What the client of one connection may do, and until when. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #expiry: Expiry;
  #grant: Grant | undefined;

  constructor(options: AdmissionOptions) {
    const { timers, nowMs, graceMs, onLapsed } = options;
    this.#options = options;
    this.#expiry = new Expiry({ timers, nowMs, graceMs, onLapsed });
  }

  /** Undefined before the client was admitted. */
  get grant(): Grant | undefined {
    return this.#grant;
  }

  /** Whether the grant has ended, so that nothing new may be read until a new token comes. */
  get expired(): boolean {
    return this.#expiry.expired;
  }

  get lifetime(): Lifetime {
    return this.#expiry.lifetime;
  }

  /** Decides about a connect command. Rejects when the authorizer fails or is late. */
  async connect(request: ConnectRequest): Promise<PushError | undefined> {
    const { authorizer } = this.#options;
    return this.#decide("authorizing a connection", () => authorizer.connect(request));
  }

  /** Decides about a new token. Rejects as `connect` does; the grant stays as it is then. */
  async refresh(token: string): Promise<PushError | undefined> {
    const { authorizer } = this.#options;
    const held = this.#grant;
    if (held === undefined) return pushError("unauthorized");
    const error = await this.#decide("refreshing a connection", () => authorizer.refresh(token, held));
    return error?.code === pushError("stale_token").code ? { ...error, temporary: true } : error;
  }

  stop(): void {
    this.#expiry.stop();
  }

  async #decide(
    doing: string,
    ask: () => Authorization | Promise<Authorization>,
  ): Promise<PushError | undefined> {
    const { timers, limits, onGrant } = this.#options;
    const answer = await withinTime(timers, limits.sourceMs, doing, ask);
    if (answer.kind === "rejected") return errorOf(answer);
    this.#grant = answer.grant;
    this.#expiry.set(answer.grant.expiresAtMs);
    onGrant(answer.grant);
    return undefined;
  }
}
