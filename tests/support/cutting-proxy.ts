import type { Socket } from "bun";

/** A connection through the proxy: what came from the one end and waits for the other. */
interface Pipe {
  readonly client: Socket<Pipe>;
  server: Socket<undefined> | undefined;
  /** Bytes of the client that came before the server was reached. */
  early: Uint8Array[];
  toClient: Uint8Array[];
  toServer: Uint8Array[];
  /** Bytes that the client may still get; then both ends are cut, wherever a frame stands. */
  bytesLeft: number;
}

export interface CuttingProxy {
  readonly port: number;
  /** How many bytes of its server the next connection gets before it is cut, and from now on each one after it. */
  allowance: number;
  /** Connections that used up what they were allowed. */
  readonly cutShort: number;
  /** Cuts what is connected now, between any two bytes. */
  cut(): void;
  close(): void;
}

/** Forwards TCP on loopback to the port that `target` names at that moment, and cuts connections after so many bytes. */
export function cuttingProxy(target: () => number | undefined): CuttingProxy {
  const pipes = new Set<Pipe>();
  let cutShort = 0;
  const end = (pipe: Pipe) => {
    pipes.delete(pipe);
    pipe.client.terminate();
    pipe.server?.terminate();
  };
  const reach = async (pipe: Pipe) => {
    const port = target();
    if (port === undefined) return end(pipe);
    try {
      const server = await Bun.connect<undefined>({
        hostname: "127.0.0.1",
        port,
        socket: {
          data(_, bytes) {
            const passed = bytes.subarray(0, pipe.bytesLeft);
            pipe.bytesLeft -= passed.length;
            pipe.toClient.push(new Uint8Array(passed));
            flush(pipe.client, pipe.toClient);
            if (pipe.bytesLeft > 0) return;
            cutShort += 1;
            end(pipe);
          },
          drain: (socket) => flush(socket, pipe.toServer),
          close: () => end(pipe),
          error: () => end(pipe),
        },
      });
      if (!pipes.has(pipe)) return server.terminate();
      pipe.server = server;
      pipe.toServer.push(...pipe.early.splice(0));
      flush(server, pipe.toServer);
    } catch {
      end(pipe);
    }
  };
  const listener = Bun.listen<Pipe>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(client) {
        const pipe: Pipe = {
          ...{ client, server: undefined, early: [], toClient: [], toServer: [] },
          bytesLeft: proxy.allowance,
        };
        client.data = pipe;
        pipes.add(pipe);
        void reach(pipe);
      },
      data({ data: pipe }, bytes) {
        const kept = new Uint8Array(bytes);
        if (pipe.server === undefined) pipe.early.push(kept);
        else {
          pipe.toServer.push(kept);
          flush(pipe.server, pipe.toServer);
        }
      },
      drain: (client) => flush(client, client.data.toClient),
      close: ({ data: pipe }) => end(pipe),
      error: ({ data: pipe }) => end(pipe),
    },
  });
  const proxy: CuttingProxy = {
    port: listener.port,
    allowance: Number.POSITIVE_INFINITY,
    get cutShort() {
      return cutShort;
    },
    cut() {
      for (const pipe of [...pipes]) end(pipe);
    },
    close() {
      proxy.cut();
      listener.stop(true);
    },
  };
  return proxy;
}

function flush(socket: Socket<Pipe> | Socket<undefined>, queue: Uint8Array[]): void {
  for (let next = queue[0]; next !== undefined; next = queue[0]) {
    const written = Math.max(0, socket.write(next));
    if (written < next.length) {
      queue[0] = next.subarray(written);
      return;
    }
    queue.shift();
  }
}
