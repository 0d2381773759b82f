import type { ConnectRequest } from "../protocol/mod.ts";
import type { PushHub, PushSession, PushSocket } from "../push/mod.ts";

/** Bytes that wait in the stream itself; beyond them the reader counts as behind, and frames wait in the outbox, bounded. */
const STREAM_BYTES = 65_536;

/** A connection as server-sent events: each frame is one `data` line; `onEnd` is called once it has ended. Undefined when the hub takes no more. */
export function eventStream(
  push: PushHub,
  connect: ConnectRequest,
  headers: Readonly<Record<string, string>>,
  onEnd: () => void,
): Response | undefined {
  let session: PushSession | undefined;
  const stream = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        session = push.acceptOneWay(new StreamSocket(controller), onEnd);
      },
      // Called when the reader has taken so much that there is room again.
      pull: () => session?.drained(),
      cancel: () => session?.closed(),
    },
    { highWaterMark: STREAM_BYTES, size: (chunk) => chunk?.byteLength ?? 0 },
  );
  if (session === undefined) return undefined;
  session.connect(connect);
  return new Response(stream, {
    headers: {
      ...headers,
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // Proxies of the nginx kind would collect the events otherwise.
      "x-accel-buffering": "no",
    },
  });
}

class StreamSocket implements PushSocket {
  readonly #controller: ReadableStreamDefaultController<Uint8Array>;
  readonly #encoder = new TextEncoder();
  #open = true;

  constructor(controller: ReadableStreamDefaultController<Uint8Array>) {
    this.#controller = controller;
  }

  send(frame: string): number {
    if (!this.#open) return 0;
    const bytes = this.#encoder.encode(`data: ${frame}\n\n`);
    this.#controller.enqueue(bytes);
    return this.#room > 0 ? bytes.byteLength : -1;
  }

  bufferedBytes(): number {
    return this.#room > 0 ? 0 : STREAM_BYTES - this.#room;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#controller.close();
  }

  get #room(): number {
    return this.#controller.desiredSize ?? 0;
  }
}
