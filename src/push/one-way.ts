import { disconnectFrame, withoutEnvelope } from "../protocol/mod.ts";
import type { PushSocket } from "./outbox.ts";

/**
 * The socket of a client that only listens, as the Centrifugo protocol has it: it gets pushes without their envelope, one a message,
 * and the reason of an end as a last push, because not every transport has close codes.
 */
export class OneWaySocket implements PushSocket {
  readonly #socket: PushSocket;
  readonly ping: (() => void) | undefined;

  constructor(socket: PushSocket) {
    this.#socket = socket;
    this.ping = socket.ping === undefined ? undefined : () => socket.ping?.();
  }

  /** Frames may come joined by line ends; kept (-1) or dropped (0) when one of them was. */
  send(frames: string): number {
    let sent = 0;
    let kept = false;
    for (const frame of frames.split("\n")) {
      const bytes = this.#socket.send(withoutEnvelope(frame));
      if (bytes === 0) return 0;
      if (bytes < 0) kept = true;
      else sent += bytes;
    }
    return kept ? -1 : sent;
  }

  bufferedBytes(): number {
    return this.#socket.bufferedBytes();
  }

  close(code: number, reason: string): void {
    this.#socket.send(withoutEnvelope(disconnectFrame({ code, reason })));
    this.#socket.close(code, reason);
  }
}
