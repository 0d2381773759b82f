import type { CloseCode } from "../protocol/mod.ts";
import type { Outbox } from "./outbox.ts";

/** One subscription of one connection, as its channel sees it. */
export interface Subscriber {
  /** The channel's name as the client spelled it. */
  readonly name: string;
  readonly outbox: Outbox;
  /** Whether the client has gone or taken the subscription back while it was being set up. */
  readonly cancelled: boolean;
  /** The channel ends the subscription and has forgotten it; the client is told why. */
  dropped(reason: CloseCode): void;
}

/** What a channel asks of the hub. */
export interface ChannelHost {
  /** Something failed that no client can act on. */
  onError(error: unknown, doing: string): void;
  /** The channel is of no more use: forget it, so that the next subscriber opens a new one. */
  onBroken(): void;
}
