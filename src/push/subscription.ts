import {
  type CloseCode,
  type PushError,
  pushError,
  type SubscribeRequest,
  type SubscribeResult,
  subscribeResult,
} from "../protocol/mod.ts";
import type { OpenChannel } from "./channel-table.ts";
import type { Expiry } from "./expiry.ts";
import type { Attached } from "./lossless-channel.ts";
import type { Outbox } from "./outbox.ts";
import type { Subscriber } from "./subscriber.ts";

/** What a result says of a recovery that was asked for before. */
export type RecoveryMarks = Pick<SubscribeResult, "was_recovering" | "recovered">;

export interface SubscriptionOptions {
  /** As the client spelled it. */
  readonly name: string;
  readonly outbox: Outbox;
  /** The end of its own token; undefined where the connection's grant covers the channel. */
  readonly expiry: Expiry | undefined;
  /** It is one no more, whoever ended it. */
  readonly onEnd: () => void;
  /** The server ended it: the client is to be told why. */
  readonly onDropped: (reason: CloseCode) => void;
}

/** One subscription of one connection, from the command that asks for it to its end. */
export class Subscription implements Subscriber {
  readonly name: string;
  readonly outbox: Outbox;
  readonly expiry: Expiry | undefined;
  readonly #onEnd: () => void;
  readonly #onDropped: (reason: CloseCode) => void;
  channel: OpenChannel | undefined;
  #release: (() => void) | undefined;
  attached = false;
  cancelled = false;
  /** Why it was ended before it was attached. */
  #ended: PushError | undefined;

  constructor({ name, outbox, expiry, onEnd, onDropped }: SubscriptionOptions) {
    this.name = name;
    this.outbox = outbox;
    this.expiry = expiry;
    this.#onEnd = onEnd;
    this.#onDropped = onDropped;
  }

  hold(channel: OpenChannel, release: () => void): void {
    this.channel = channel;
    this.#release = release;
  }

  /** Joins the channel and, in the same step, gives `reply` the result as JSON text; or answers why not. */
  async attach(
    request: SubscribeRequest,
    reply: (result: string) => void,
    marks: RecoveryMarks,
  ): Promise<PushError | undefined> {
    const { channel } = this;
    if (channel === undefined || this.cancelled) return this.#ended;
    if (channel.kind === "conflated") {
      await channel.attach(this, (data) => {
        this.attached = true;
        const asked = request.recover ? { was_recovering: true } : {};
        reply(subscribeResult({ ...this.expiry?.lifetime, ...asked }, { data }));
      });
      return this.#ended;
    }
    const recover = request.recover ? { offset: request.offset, epoch: request.epoch } : undefined;
    const outcome = await channel.attach(this, recover, (attached) => {
      this.attached = true;
      reply(this.#losslessResult(attached, marks));
    });
    if (outcome.kind === "unrecoverable") return pushError("unrecoverable_position", outcome.message);
    return outcome.kind === "broken" ? pushError("internal") : this.#ended;
  }

  dropped(reason: CloseCode): void {
    this.end();
    this.#onDropped(reason);
  }

  /** The client may not read the channel any more: a subscription that stands is told so, one that is being set up answers `error`. */
  revoke(reason: CloseCode, error: PushError): void {
    if (this.attached) this.dropped(reason);
    else {
      this.#ended = error;
      this.end();
    }
  }

  end(): void {
    if (this.cancelled && this.#release === undefined) return;
    if (!this.cancelled) this.#onEnd();
    this.cancelled = true;
    this.expiry?.stop();
    this.channel?.detach(this);
    this.#release?.();
    this.#release = undefined;
  }

  #losslessResult({ position, recovered, data }: Attached, marks: RecoveryMarks): string {
    const asked: RecoveryMarks = recovered === undefined ? marks : { was_recovering: true, recovered: true };
    const { epoch, offset } = position;
    const standing: SubscribeResult = { recoverable: true, positioned: true, epoch, offset };
    return subscribeResult(
      { ...this.expiry?.lifetime, ...standing, ...asked },
      {
        ...(recovered === undefined ? {} : { publications: recovered }),
        ...(data === undefined ? {} : { data }),
      },
    );
  }
}
