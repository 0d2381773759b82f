import { expect, test } from "bun:test";
import * as v from "valibot";
import { PROBLEM_MEDIA_TYPE, Problem } from "../../src/protocol/mod.ts";
import { seededRandom } from "../support/trades.ts";
import { fakeApp, JOB_ID } from "./fake-deps.ts";

const REQUESTS = 10_000;
const TIMEOUT_MS = 300_000;
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_260_102);

const Index = v.object({ endpoints: v.array(v.object({ method: v.string(), path: v.string() })) });
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];
const VALUES = [
  ...["", "0", "-1", "1e9", "NaN", "1.5", "null", "true", "[]", "{}", "2026-01-02", "2026-13-45", "BTCUSDT"],
  ...["binance:BTCUSDT", "nowhere:BTCUSDT", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00.1234567Z", "ranked"],
  ...[
    "x".repeat(5_000),
    "\u0000",
    "\u202e",
    "%",
    "%00",
    "../../etc/passwd",
    "' or 1=1 --",
    "1h",
    "5m",
    "99999999999999999999",
  ],
];
const PARAMETERS = [
  ...[
    "symbol",
    "session",
    "from",
    "to",
    "value_area",
    "bin_size",
    "interval",
    "limit",
    "wait",
    "since",
    "bins",
  ],
  ...["sessions", "a_from", "a_to", "__proto__", "constructor", "symbols", "x".repeat(300), ""],
];
const CONTENT_TYPES = [
  "application/json",
  "application/json; charset=utf-8",
  "text/plain",
  "application/jsonx",
  "",
];
const FIELDS = [
  "symbols",
  "start_date",
  "end_date",
  "timeframes",
  "order",
  "priority",
  "force",
  "url",
  "cron",
  "__proto__",
];

test(
  `the HTTP interface, ${REQUESTS} hostile requests: an answer or a problem document for each, never a failure of the server`,
  async () => {
    const random = seededRandom(SEED);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
    const { app, asked } = fakeApp();
    const { endpoints } = v.parse(Index, await (await app.request("/")).json());
    const statuses = new Map<number, number>();
    const wrong: string[] = [];

    const path = (template: string) =>
      template.replace(/:\w+/g, () => encodeURIComponent(random() < 0.4 ? JOB_ID : pick(VALUES)));
    const query = () => {
      const parameters = Array.from({ length: Math.floor(random() * 4) }, () => {
        const name = pick(PARAMETERS);
        return random() < 0.9
          ? `${encodeURIComponent(name)}=${encodeURIComponent(pick(VALUES))}`
          : "%E0%A4%A";
      });
      return parameters.length === 0 ? "" : `?${parameters.join("&")}`;
    };
    const value = (): unknown =>
      pick<() => unknown>([
        () => pick(VALUES),
        () => Math.round((random() - 0.5) * 10 ** Math.floor(random() * 20)),
        () => pick([null, true, false, {}, []]),
        () => Array.from({ length: Math.floor(random() * 120) }, () => pick(VALUES)),
        () => ({ [pick(FIELDS)]: pick(VALUES) }),
      ])();
    const body = () => {
      const fields = Array.from({ length: Math.floor(random() * 6) }, () => [pick(FIELDS), value()] as const);
      const text = JSON.stringify(Object.fromEntries<unknown>(fields));
      const dice = random();
      if (dice < 0.5) return text;
      if (dice < 0.6) return text.slice(0, Math.floor(random() * text.length));
      if (dice < 0.7) return `{"force":true,"force":false,${text.slice(1)}`;
      if (dice < 0.8) return `{"symbols":${"[".repeat(500)}${"]".repeat(500)}}`;
      if (dice < 0.85) return `{"symbols":["${"x".repeat(70_000)}"]}`;
      return pick(["", "null", "[]", "1", '"a"', "\ufeff{}", "{}{}", "undefined"]);
    };

    for (let n = 0; n < REQUESTS && wrong.length < 5; n++) {
      const endpoint = pick(endpoints);
      const method = random() < 0.85 ? endpoint.method : pick(METHODS);
      const address = `${random() < 0.95 ? path(endpoint.path) : `/${pick(VALUES)}`}${query()}`;
      const withBody = method !== "GET" && method !== "HEAD" && random() < 0.9;
      const request = new Request(new URL(address, "http://127.0.0.1:8080"), {
        method,
        headers: { "content-type": pick(CONTENT_TYPES) },
        ...(withBody ? { body: body() } : {}),
      });
      const answer = await app.fetch(request);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      const fault = await faultOf(answer, method);
      if (fault !== undefined)
        wrong.push(`seed ${SEED}, request ${n}: ${method} ${address.slice(0, 200)}: ${fault}`);
    }

    expect(wrong).toEqual([]);
    expect(asked.logged).toEqual([]);
    for (const expected of [200, 400, 404, 405, 413, 415, 422])
      expect([expected, statuses.get(expected) ?? 0]).not.toEqual([expected, 0]);
  },
  TIMEOUT_MS,
);

/** A success is JSON or a file; everything else is a problem document that says the same status. 503 is an honest answer. */
async function faultOf(answer: Response, method: string): Promise<string | undefined> {
  const type = answer.headers.get("content-type") ?? "";
  const text = await answer.text();
  if (answer.status < 400) return undefined;
  if (answer.status >= 500 && answer.status !== 503) return `answered ${answer.status}`;
  if (method === "HEAD") return undefined;
  if (!type.startsWith(PROBLEM_MEDIA_TYPE)) return `answered ${answer.status} as ${type}`;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), Problem), text);
  if (!parsed.success) return `answered ${answer.status} with no problem document: ${text.slice(0, 200)}`;
  return parsed.output.status === answer.status
    ? undefined
    : `answered ${answer.status}, said ${parsed.output.status}`;
}
