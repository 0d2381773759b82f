import { expect, test } from "bun:test";
import { Parser } from "@asyncapi/parser";
import * as v from "valibot";
import { fakeApp } from "./fake-deps.ts";

/** The parser needs seconds by itself. */
const PARSER_TIMEOUT_MS = 180_000;

const Ref = v.object({ $ref: v.string() });
const Document = v.looseObject({
  asyncapi: v.string(),
  channels: v.record(
    v.string(),
    v.looseObject({ address: v.nullable(v.string()), messages: v.record(v.string(), Ref) }),
  ),
  operations: v.record(
    v.string(),
    v.looseObject({ action: v.string(), messages: v.array(Ref), reply: v.optional(v.unknown()) }),
  ),
  components: v.looseObject({
    messages: v.record(v.string(), v.looseObject({ summary: v.string(), payload: Ref })),
    schemas: v.record(v.string(), v.unknown()),
  }),
});

async function read() {
  const answer = await fakeApp().app.request("/asyncapi.json");
  expect(answer.headers.get("content-type")).toBe("application/json");
  const text = await answer.text();
  return { text, document: v.parse(Document, JSON.parse(text)) };
}

/** What the official parser says against it: errors and warnings, each with its place. */
async function faultsOf(text: string): Promise<string[]> {
  const { diagnostics } = await new Parser().parse(text);
  return diagnostics
    .filter(({ severity }) => severity <= 1)
    .map(({ message, path, code }) => `${code} at ${path.join(".")}: ${message}`);
}

test(
  "GET /asyncapi.json, the official parser has nothing against it",
  async () => {
    const { text, document } = await read();
    expect(document.asyncapi).toBe("3.0.0");
    expect(await faultsOf(text)).toEqual([]);
  },
  PARSER_TIMEOUT_MS,
);

test(
  "GET /asyncapi.json, the official parser refuses a document with a fault",
  async () => {
    const { text } = await read();
    expect(await faultsOf(text.replace('"action":"receive"', '"action":"take"'))).not.toEqual([]);
  },
  PARSER_TIMEOUT_MS,
);

test("GET /asyncapi.json, has every channel, and every command with its reply", async () => {
  const { document } = await read();
  const addresses = Object.values(document.channels).flatMap(({ address }) => address ?? []);
  expect(addresses.toSorted()).toEqual([
    "backfill",
    "backfill:{job_id}",
    "bars:{symbol}:{interval}",
    "gaps:{symbol}",
    "levels:{symbol}",
    "levels:{symbol}@{session}",
    "profile:{symbol}",
    "profile:{symbol}@{session}",
  ]);
  const commands = Object.entries(document.operations).filter(([, { action }]) => action === "receive");
  expect(commands.map(([name]) => name).toSorted()).toEqual([
    "connect",
    "history",
    "ping",
    "refresh",
    "rpc",
    "sub_refresh",
    "subscribe",
    "unsubscribe",
  ]);
  for (const [, { reply }] of commands) expect(reply).toBeDefined();
});

test("GET /asyncapi.json, each message and each schema is used", async () => {
  const { text, document } = await read();
  for (const name of Object.keys(document.components.messages))
    expect(text).toContain(`"#/components/messages/${name}"`);
  for (const name of Object.keys(document.components.schemas))
    expect(text).toContain(`"#/components/schemas/${name}"`);
});
