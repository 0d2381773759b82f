import { connect, type Socket } from "node:net";

export interface StoppedClient {
  send(text: string): void;
  /** Reads on, to the end; undefined when that came without a close frame. */
  closeCode(): Promise<number | undefined>;
  close(): void;
}

/** A WebSocket client on bare TCP that sends one masked text frame at a time and reads only when it is asked for the close code. */
export async function stoppedClient(port: number): Promise<StoppedClient> {
  const socket: Socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  const headers = [
    "GET /ws HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
  ];
  const keys = ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"];
  socket.write(`${[...headers, ...keys].join("\r\n")}\r\n\r\n`);
  await new Promise<void>((resolve) => socket.once("data", () => resolve()));
  socket.pause();
  return {
    send(text) {
      const payload = Buffer.from(text);
      // Mask of zeros; short payloads only.
      socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
    },
    close: () => socket.destroy(),
    closeCode() {
      let tail = Buffer.alloc(0);
      return new Promise((resolve) => {
        socket.on("data", (chunk: Buffer) => {
          tail = Buffer.concat([tail, chunk]).subarray(-64);
        });
        socket.on("close", () => {
          const at = tail.lastIndexOf(0x88);
          resolve(at < 0 ? undefined : tail.readUInt16BE(at + 2));
        });
        socket.resume();
      });
    },
  };
}
