import { type StartedScript, startScript } from "./started-script.ts";

const START_TIMEOUT_MS = 20_000;
const POLL_MS = 50;
const WAIT_MS = 60_000;

/** The push server of a benchmark, in a process of its own. */
export interface PushWorld {
  readonly script: StartedScript;
  readonly port: number;
  /** Of the bare server beside it. */
  readonly barePort: number;
  /** Takes a byte for each round that has arrived. */
  readonly ackPort: number;
  /** Asks it to do something; the answer is JSON numbers. */
  ask(path: string): Promise<Readonly<Record<string, number>>>;
}

/** Starts `push-world.ts`; it ends with `children`, and with this process. */
export async function startWorld(
  children: Bun.Subprocess[],
  env: Readonly<Record<string, string>> = {},
): Promise<PushWorld> {
  const script = await startScript({
    path: "push-world.ts",
    args: [],
    env,
    pattern: /ready (\d+) (\d+) (\d+)/,
    timeoutMs: START_TIMEOUT_MS,
    children,
  });
  const [port, barePort, ackPort] = script.match.slice(1).map(Number);
  return {
    script,
    port: port!,
    barePort: barePort!,
    ackPort: ackPort!,
    async ask(path) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`);
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },
  };
}

/** Polls until a condition holds; throws after a minute. */
export async function waitUntil(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const due = performance.now() + WAIT_MS;
  while (!(await holds())) {
    if (performance.now() > due) throw new Error(`waited ${WAIT_MS} ms for ${what}`);
    await Bun.sleep(POLL_MS);
  }
}

/** Runs a benchmark with the processes it starts, and ends them; exits 0 when it passed. */
export async function runBench(run: (children: Bun.Subprocess[]) => Promise<boolean>): Promise<never> {
  const children: Bun.Subprocess[] = [];
  let passed = false;
  try {
    passed = await run(children);
  } finally {
    for (const child of children) {
      child.kill("SIGKILL");
      await child.exited;
    }
  }
  process.exit(passed ? 0 : 1);
}
