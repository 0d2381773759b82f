import { settle } from "./manual-clock.ts";

/** A client socket whose other end is the test. */
export class FakeSocket extends EventTarget {
  readonly url: string;
  readonly sent: string[] = [];
  readyState: number = WebSocket.CONNECTING;
  terminated = false;

  constructor(url: string) {
    super();
    this.url = url;
  }

  async open(): Promise<void> {
    this.readyState = WebSocket.OPEN;
    this.dispatchEvent(new Event("open"));
    await settle();
  }

  async bring(...frames: unknown[]): Promise<void> {
    for (const data of frames) this.dispatchEvent(new MessageEvent("message", { data }));
    await settle();
  }

  async ping(): Promise<void> {
    this.dispatchEvent(new Event("ping"));
    await settle();
  }

  /** The other end closes. */
  async end(code = 1006, reason = ""): Promise<void> {
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new CloseEvent("close", { code, reason }));
    await settle();
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new CloseEvent("close", { code: 1000 }));
  }

  terminate(): void {
    this.terminated = true;
    this.close();
  }
}

/** Makes fake sockets and keeps them. */
export class FakeSockets {
  readonly all: FakeSocket[] = [];

  readonly create = (url: string): WebSocket => {
    const socket = new FakeSocket(url);
    this.all.push(socket);
    return socket as unknown as WebSocket;
  };

  at(index: number): FakeSocket {
    const socket = this.all.at(index);
    if (socket === undefined) throw new Error(`no socket ${index} of ${this.all.length}`);
    return socket;
  }

  /** Those that are neither closed nor given up. */
  get alive(): FakeSocket[] {
    return this.all.filter((socket) => socket.readyState !== WebSocket.CLOSED);
  }
}
