import { fileURLToPath } from "node:url";

export interface ScriptOptions {
  /** Relative to this folder. */
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What its output says once it has started. */
  readonly pattern: RegExp;
  readonly timeoutMs: number;
  /** What stands before it on the command line, such as `nice`. */
  readonly before?: readonly string[];
  /** Listed at once, for whoever ends them. */
  readonly children: Bun.Subprocess[];
}

/** A script in a process of its own, with what `pattern` found and its lines so far. */
export interface StartedScript {
  readonly child: Bun.Subprocess;
  readonly match: RegExpExecArray;
  readonly lines: readonly string[];
}

/** Starts a script; throws when it does not say in time that it has started. */
export async function startScript(options: ScriptOptions): Promise<StartedScript> {
  const { path, args, env, pattern, timeoutMs, before = [], children } = options;
  const script = fileURLToPath(new URL(path, import.meta.url));
  const child = Bun.spawn([...before, process.execPath, script, ...args], {
    env: { ...process.env, ...env },
    // Whoever listens to it ends with this process, however that ends.
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  children.push(child);
  const found = Promise.withResolvers<RegExpExecArray>();
  const timer = setTimeout(() => found.reject(new Error(`${path} did not start`)), timeoutMs);
  const lines: string[] = [];
  void (async () => {
    let text = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      lines.splice(0, lines.length, ...text.split("\n"));
      const match = pattern.exec(text);
      if (match !== null) found.resolve(match);
    }
  })();
  const match = await found.promise;
  clearTimeout(timer);
  return { child, match, lines };
}
