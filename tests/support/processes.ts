import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { until } from "./until.ts";

/** A child that does not do what it should is killed and reported after this long. */
const TIMEOUT_MS = 240_000;
/** Output kept of a child, for the message of a failing test. */
const SHOWN_CHARACTERS = 4_000;

export type Variables = Readonly<Record<string, string>>;

/** A running script of this project. */
export interface Running {
  readonly pid: number;
  /** What it has written so far. */
  stdout(): string;
  stderr(): string;
  kill(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): void;
  /** Exit code, or the signal's name. Throws when it has not ended in time. */
  ended(timeoutMs?: number): Promise<number | string>;
}

export interface Finished {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A server of ours in a process of its own. */
export interface ServerProcess extends Running {
  readonly url: string;
}

/** Addresses of a simulated exchange, as a child's environment wants them. */
export interface ExchangeUrls {
  readonly restUrl: string;
  readonly wsUrl: string;
}

/** Children and folders of one test file; whoever makes it cleans it up in `afterAll`. */
export class Workbench {
  readonly #children = new Set<Running>();
  readonly #folders: string[] = [];

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "tapeline-e2e-"));
    this.#folders.push(folder);
    return folder;
  }

  /** Starts `scripts/NAME.ts` with an environment that holds nothing of ours but `env`. */
  start(script: string, args: readonly string[], env: Variables = {}): Running {
    const child = Bun.spawn([process.execPath, scriptPath(script), ...args], {
      env: { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? tmpdir(), TZ: "UTC", ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const output = async () => {
      await child.exited;
      await Promise.all([stdout.done, stderr.done]);
      return child.signalCode ?? child.exitCode ?? "unknown";
    };
    const running: Running = {
      pid: child.pid,
      stdout: stdout.text,
      stderr: stderr.text,
      kill: (signal) => child.kill(signal),
      async ended(timeoutMs = TIMEOUT_MS) {
        let timer: ReturnType<typeof setTimeout> | undefined;
        const late = new Promise<undefined>((resolve) => {
          timer = setTimeout(() => resolve(undefined), timeoutMs);
        });
        const code = await Promise.race([output(), late]);
        clearTimeout(timer);
        if (code !== undefined) return code;
        child.kill("SIGKILL");
        throw new Error(`${script} ${args.join(" ")} did not end within ${timeoutMs} ms\n${shown(running)}`);
      },
    };
    this.#children.add(running);
    void child.exited.then(() => this.#children.delete(running));
    return running;
  }

  /** Runs a script to its end. */
  async run(script: string, args: readonly string[], env: Variables = {}): Promise<Finished> {
    const running = this.start(script, args, env);
    const code = await running.ended();
    return { code, stdout: running.stdout(), stderr: running.stderr() };
  }

  /** Starts the simulated exchange in a process of its own. */
  async exchange(args: readonly string[]): Promise<Running & ExchangeUrls> {
    const running = this.start("simulate", args);
    const [, restUrl = "", wsUrl = ""] = await until("the simulator's addresses", () => {
      failIfEnded(running, this.#children);
      return /BINANCE_REST_URL=(\S+)\s+BINANCE_WS_URL=(\S+)/.exec(running.stdout()) ?? undefined;
    });
    return { ...running, restUrl, wsUrl };
  }

  /** Starts a server and waits until it listens. Its log stands in `stdout()`. */
  async server(env: Variables): Promise<ServerProcess> {
    const running = this.start("serve", [], env);
    const url = await until("the server to listen", () => {
      const listening = logLines(running.stdout()).find(({ msg }) => msg === "listening");
      if (listening?.url !== undefined) return listening.url;
      failIfEnded(running, this.#children);
      return undefined;
    });
    return { ...running, url };
  }

  async close(): Promise<void> {
    const children = [...this.#children];
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.ended(30_000).catch(() => undefined)));
    await Promise.all(this.#folders.map((folder) => rm(folder, { recursive: true, force: true })));
  }
}

/** What a server or command needs to work on a simulated exchange. */
export function environment(
  dataDir: string,
  { restUrl, wsUrl }: ExchangeUrls,
  more: Variables = {},
): Variables {
  return {
    DATA_SOURCE: "sim",
    DATA_DIR: dataDir,
    BINANCE_REST_URL: restUrl,
    BINANCE_WS_URL: wsUrl,
    PORT: "0",
    LOG_LEVEL: "info",
    ...more,
  };
}

const LogLine = v.object({ level: v.string(), msg: v.optional(v.string(), ""), url: v.optional(v.string()) });
export type LogLine = v.InferOutput<typeof LogLine>;

/** The whole lines of a log so far. */
export function logLines(text: string): LogLine[] {
  return text
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), LogLine), line);
      return parsed.success ? [parsed.output] : [];
    });
}

function failIfEnded(running: Running, children: ReadonlySet<Running>): void {
  if (!children.has(running)) throw new Error(`the child has ended\n${shown(running)}`);
}

function shown({ stdout, stderr }: Pick<Running, "stdout" | "stderr">): string {
  return `${stdout().slice(-SHOWN_CHARACTERS)}\n${stderr().slice(-SHOWN_CHARACTERS)}`;
}

function scriptPath(name: string): string {
  return fileURLToPath(new URL(`../../scripts/${name}.ts`, import.meta.url));
}

function collect(stream: ReadableStream<Uint8Array>): { text: () => string; done: Promise<void> } {
  let text = "";
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const part of stream) text += decoder.decode(part, { stream: true });
  };
  return { text: () => text, done: read().catch(() => undefined) };
}
