import {
  type DescribedRoute,
  EXAMPLE_IDS,
  EXAMPLE_TARGET,
  type RouteExample,
} from "../../src/contract/mod.ts";
import { createGeneratedMarket, PRESETS } from "../../src/simulator/mod.ts";
import { AppBench } from "../support/app-bench.ts";
import type { AppInProcess } from "../support/app-in-process.ts";
import { environment, type Variables } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { Receiver } from "../webhook/receiver.ts";

/** A request that hangs fails its test and not its file. */
const TIMEOUT_MS = 60_000;

export interface Answered {
  readonly status: number;
  readonly mediaType: string;
  readonly text: string;
}

/** A real server over a simulated exchange that has BTCUSDT, and a program that webhooks tell. */
export class ContractWorld {
  readonly url: string;
  readonly running: AppInProcess;
  readonly #bench: AppBench;
  /** What stands in examples, and what the server gave out for it. */
  readonly #real: Map<string, string>;

  private constructor(running: AppInProcess, receiver: Receiver, bench: AppBench) {
    this.running = running;
    this.url = running.app.url;
    this.#bench = bench;
    this.#real = new Map([[EXAMPLE_TARGET, receiver.url]]);
  }

  static async start(more: Variables = {}): Promise<ContractWorld> {
    const bench = new AppBench();
    const market = createGeneratedMarket({ symbol: "BTCUSDT", seed: 7, preset: PRESETS.thin });
    const exchange = bench.openExchange({ markets: [market] });
    const receiver = await Receiver.start();
    bench.opened(() => receiver.stop());
    const env = environment(await bench.folder(), exchange, {
      SYMBOLS: "BTCUSDT",
      CONTEXT_BACKFILL_ENABLED: "false",
      WEBHOOK_ALLOW_PRIVATE: "true",
      ...more,
    });
    const running = await bench.openApp(env, { follow: true });
    return new ContractWorld(running, receiver, bench);
  }

  close(): Promise<void> {
    return this.#bench.close();
  }

  /** From now on `id` of the server stands for this one of the examples. */
  stands(of: keyof typeof EXAMPLE_IDS, id: string): void {
    this.#real.set(EXAMPLE_IDS[of], id);
  }

  /** Sends an example; one that finds the server still reading is sent again. */
  ask(route: Pick<DescribedRoute, "method" | "path">, example: RouteExample): Promise<Answered> {
    const path = route.path.replaceAll(/:(\w+)/g, (_, name: string) =>
      encodeURIComponent(this.realOf(example.path?.[name] ?? "")),
    );
    const query = example.query === undefined ? "" : `?${new URLSearchParams(example.query)}`;
    const body = example.body === undefined ? undefined : this.realOf(JSON.stringify(example.body));
    return until(`${route.method} ${path}${query}`, async () => {
      const answer = await fetch(`${this.url}${path}${query}`, {
        method: route.method,
        headers: body === undefined ? {} : { "content-type": "application/json" },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body }),
      });
      const text = await bodyText(answer);
      if (answer.status === 503) return undefined;
      return { status: answer.status, mediaType: answer.headers.get("content-type") ?? "", text };
    });
  }

  /** A text of an example with what the server gave out in place of what stands for it. */
  realOf(text: string): string {
    // All at once: what the server gave out may by chance contain what stands for something else.
    const examples = new RegExp([...this.#real.keys()].map(RegExp.escape).join("|"), "g");
    return text.replaceAll(examples, (example) => this.#real.get(example) ?? example);
  }
}

/** The text of an answer. A stream has no end of its own: its first event is its answer. */
export async function bodyText(answer: Response): Promise<string> {
  if (answer.headers.get("content-type") !== "text/event-stream") return answer.text();
  const reader = answer.body?.getReader();
  const part = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(part?.value);
}
