import { PUSH_LIMITS } from "../../../src/push/mod.ts";
import { JOB } from "../fakes.ts";

/** One message of a hostile client; undefined stands for a binary one. */
export interface HostileFrame {
  readonly text: string | undefined;
  /** What was done to it. */
  readonly kind: string;
  /** Whether it can only be answered by a close: also where a lenient parser would read it. */
  readonly closes: boolean;
}

type Random = () => number;

const CHANNELS = [
  "backfill",
  `backfill:${JOB}`,
  "levels:BTCUSDT",
  "levels:binance:BTCUSDT@2026-01-02",
  "gaps:BTCUSDT",
  "levels:",
  "backfill:1",
  "nonsense",
  "",
  "x".repeat(300),
  "levels:\u0000\ud800",
];
const METHODS = [
  "connect",
  "subscribe",
  "unsubscribe",
  "history",
  "rpc",
  "ping",
  "refresh",
  "sub_refresh",
  "publish",
  "presence",
  "presence_stats",
  "send",
  "constructor",
  "__proto__",
];
const STRANGE = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  "",
  "a",
  [],
  {},
  [[]],
  { a: { b: {} } },
  "\u2028\ud83d",
];
/** Deeper than any parser's stack would like. */
const DEEP = 20_000;

/** A frame that the seed of `random` decides: valid ones among them, so that the state that others meet varies. */
export function hostileFrame(random: Random): HostileFrame {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const line = () => JSON.stringify(command(random, pick));
  const dice = random();
  if (dice < 0.25) return { kind: "as it is", text: line(), closes: false };
  if (dice < 0.35) {
    const lines = Array.from({ length: 1 + Math.floor(random() * 12) }, line);
    return { kind: "several", text: lines.join(pick(["\n", "\n\n", "\r\n", " \n"])), closes: false };
  }
  if (dice < 0.5) {
    const text = line();
    return { kind: "truncated", text: text.slice(0, Math.floor(random() * text.length)), closes: true };
  }
  if (dice < 0.65) return { kind: "garbled", text: garbled(line(), random), closes: false };
  if (dice < 0.75) {
    const text = line();
    const twice = pick(['"id":1,', '"id" : 7,', '"\\u0069d":2,']);
    return { kind: "a member twice", text: `{"id":3,${twice}${text.slice(1)}`, closes: true };
  }
  if (dice < 0.82) {
    const [open, close] = pick([
      ["[", "]"],
      ['{"a":', "}"],
    ] as const);
    const depth = random() < 0.1 ? DEEP : 40 + Math.floor(random() * 200);
    const inner = `${open.repeat(depth)}1${close.repeat(depth)}`;
    return { kind: "deep", text: `{"id":4,"rpc":{"method":"levels","data":${inner}}}`, closes: true };
  }
  if (dice < 0.86) {
    const filler = "x".repeat(PUSH_LIMITS.frameCharsMax);
    return { kind: "oversized", text: `{"id":5,"connect":{"name":"${filler}"}}`, closes: true };
  }
  if (dice < 0.88) {
    const many = Array.from(
      { length: 201 + Math.floor(random() * 50) },
      (_, n) => `{"id":${n + 1},"ping":{}}`,
    );
    return { kind: "too many", text: many.join("\n"), closes: true };
  }
  if (dice < 0.94)
    return {
      kind: "no object",
      text: JSON.stringify(pick(STRANGE.filter((v) => !isObject(v)))),
      closes: true,
    };
  if (dice < 0.97) return { kind: "binary", text: undefined, closes: true };
  return { kind: "blank", text: pick(["", "\n", " \n \n", "\t"]), closes: true };
}

function command(random: Random, pick: <T>(from: readonly T[]) => T): object {
  if (random() < 0.05) return {};
  const method = random() < 0.12 ? `m${Math.floor(random() * 1e6)}` : pick(METHODS);
  const id =
    random() < 0.85 ? 1 + Math.floor(random() * 1e9) : pick<unknown>([0, -1, 1.5, 2 ** 40, "1", null, []]);
  const named = (key: string, value: unknown) => (random() < 0.9 ? { [key]: value } : {});
  const strange = (value: unknown) => (random() < 0.85 ? value : pick(STRANGE));
  const fields: Record<string, unknown> = {
    ...named("channel", strange(pick(CHANNELS))),
    ...(random() < 0.3 ? { token: strange("t".repeat(Math.floor(random() * 40))) } : {}),
    ...(random() < 0.3 ? { recover: strange(true), offset: strange(Math.floor(random() * 20)) } : {}),
    ...(random() < 0.2 ? { epoch: strange("e") } : {}),
    ...(random() < 0.2 ? { limit: strange(-1), since: strange({ offset: 1, epoch: "e" }) } : {}),
    ...(random() < 0.2 ? { method: strange(pick(["levels", "profile", "backfill.start", "nothing"])) } : {}),
    ...(random() < 0.2 ? { data: strange({ symbol: "BTCUSDT" }) } : {}),
    ...(random() < 0.05 ? { type: strange(3) } : {}),
  };
  const body = strange(method === "connect" ? {} : fields);
  // Not through an object literal: the name may be __proto__.
  return Object.fromEntries<unknown>([...(random() < 0.95 ? [["id", id] as const] : []), [method, body]]);
}

/** One to four characters put in, taken out or changed. */
function garbled(text: string, random: Random): string {
  let made = text;
  for (let times = 1 + Math.floor(random() * 4); times > 0; times--) {
    const at = Math.floor(random() * made.length);
    const dice = random();
    const character = String.fromCharCode(dice < 0.8 ? 32 + random() * 95 : random() * 65_536);
    const removed = dice < 0.4 ? 1 : dice < 0.7 ? 0 : Math.floor(random() * 3);
    made = made.slice(0, at) + (dice < 0.3 ? "" : character) + made.slice(at + removed);
  }
  return made;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
