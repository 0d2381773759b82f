import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";
import { signToken } from "../../src/auth/mod.ts";
import { CHANNELS, type ChannelContract, COMMANDS, EXAMPLE_TOKEN } from "../../src/contract/mod.ts";
import { oneWayMessages } from "../../src/contract/one-way-messages.ts";
import {
  channelMessages,
  connectionMessages,
  exampleName,
  titled,
} from "../../src/contract/push-messages.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";
import { ContractWorld } from "./http-world.ts";
import { type SchemaCheck, schemaCheck } from "./json-schema-check.ts";
import { type Frame, RawConnection } from "./raw-connection.ts";

const TEST_TIMEOUT_MS = 300_000;
const SECRET = "a secret of more than thirty-two bytes";
/** Of the command under test; connect and subscribe before it have lower ones. */
const ID = 7;
const CONNECTION = connectionMessages();
const ONE_WAY = oneWayMessages();
const CHANNEL_LIST = Object.values(CHANNELS).flat();

let world: ContractWorld;
let guarded: ContractWorld;
let check: SchemaCheck;
beforeAll(async () => {
  world = await ContractWorld.start();
  guarded = await ContractWorld.start({ TOKEN_HMAC_SECRET: SECRET });
  check = schemaCheck("draft-07", await (await fetch(`${world.url}/asyncapi.json`)).json());
  const api = new TapelineApi(world.url);
  const job = await api.backfill("BTCUSDT", "2026-01-01", "2026-01-02");
  world.stands("job", job);
  await api.ended(job, TEST_TIMEOUT_MS);
  await api.knows("BTCUSDT");
}, TEST_TIMEOUT_MS);
afterAll(async () => {
  await world?.close();
  await guarded?.close();
}, TEST_TIMEOUT_MS);

/** Proves that a frame is this message: by our schema, and by the document's. */
function expectMessage(name: string, schema: v.GenericSchema | undefined, frame: Frame): void {
  expect(faultsOf(name, schema, frame)).toEqual([]);
}

function faultsOf(name: string, schema: v.GenericSchema | undefined, frame: Frame): string[] {
  if (schema === undefined) return [`there is no message ${name}`];
  const parsed = v.safeParse(schema, frame);
  if (!parsed.success) return parsed.issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
  // What our schema drops is a field that the contract does not tell.
  const dropped = Bun.deepEquals(parsed.output, frame) ? [] : [`${JSON.stringify(frame)} has more fields`];
  return [...dropped, ...check(name, frame)];
}

const tokenFor = (channel?: string) =>
  signToken({ user: "desk", scopes: ["read"], channel, lifetimeSeconds: 600 }, SECRET, Date.now());

/** A connection to the server that an example is for, and the example as it can be sent there. */
async function opened(method: string, request: unknown) {
  const text = JSON.stringify(request);
  const isGuarded = text.includes(EXAMPLE_TOKEN);
  const channel =
    method === "sub_refresh" ? v.parse(v.object({ channel: v.string() }), request).channel : undefined;
  const token = isGuarded ? await tokenFor(channel) : "";
  const connection = await RawConnection.open((isGuarded ? guarded : world).url);
  if (method !== "connect") {
    const connected = await connection.ask(1, "connect", isGuarded ? { token: await tokenFor() } : {});
    expectMessage("ConnectReply", CONNECTION["ConnectReply"]?.schema, connected);
  }
  if (channel !== undefined)
    await until("a subscription with a token of its own", async () => {
      const frame = await connection.ask(connection.frames.length + 100, "subscribe", { channel, token });
      return "subscribe" in frame;
    });
  const sent: unknown = JSON.parse(world.realOf(text).replaceAll(EXAMPLE_TOKEN, token));
  return { connection, sent };
}

for (const [method, { examples }] of Object.entries(COMMANDS))
  for (const [name, { request, error }] of Object.entries(examples))
    test(
      `${method}, the example ${name} is answered as the contract says`,
      async () => {
        const { connection, sent } = await opened(method, request);
        expect(check(`${titled(method)}Command`, { id: ID, [method]: sent })).toEqual([]);
        const reply = await connection.ask(ID, method, sent);
        connection.close();
        const message = error === undefined ? `${titled(method)}Reply` : "ErrorReply";
        expectMessage(message, CONNECTION[message]?.schema, reply);
        if (error !== undefined) expect(reply).toMatchObject({ error: { code: error } });
      },
      TEST_TIMEOUT_MS,
    );

/** Pushed without a reason only when minutes are missing, or contradict the venue. */
const QUIET = ["GapsChange"];

test(
  "every channel, what its subscribers get is what the contract says, in each of its forms",
  async () => {
    const connection = await RawConnection.open(world.url);
    await connection.ask(1, "connect", {});
    const api = new TapelineApi(world.url);
    // Held until somebody listens to it.
    const job = await api.backfill("BTCUSDT", "2025-12-01", "2025-12-20");
    world.stands("job", job);
    await told(job, "pause");
    for (const [at, contract] of CHANNEL_LIST.entries()) {
      const messages = channelMessages(contract);
      const channel = world.realOf(exampleName(contract));
      const subscribed = await connection.ask(at + 2, "subscribe", { channel });
      expectMessage(`${contract.name}Subscribed`, messages[`${contract.name}Subscribed`]?.schema, subscribed);
    }
    await told(job, "resume");
    // Changes of the sessions whose levels are watched.
    const today = new Date().toISOString().slice(0, 10);
    await api.backfill("BTCUSDT", today, today);
    await api.backfill("BTCUSDT", "2026-01-02", "2026-01-02", true);
    const seen = new Set<string>();
    const wanted = CHANNEL_LIST.flatMap(publicationsOf).filter((name) => !QUIET.includes(name));
    const unread = CHANNEL_LIST.map((contract) => {
      const channel = world.realOf(exampleName(contract));
      let read = 0;
      return () => {
        const frames = connection.pushes(channel);
        for (const frame of frames.slice(read)) seen.add(expectOneOf(contract, frame));
        read = frames.length;
      };
    });
    await until(
      `all of ${wanted.join(", ")}`,
      () => {
        for (const read of unread) read();
        return wanted.every((name) => seen.has(name));
      },
      TEST_TIMEOUT_MS / 2,
    );
    connection.close();
  },
  TEST_TIMEOUT_MS,
);

async function told(job: string, command: "pause" | "resume"): Promise<void> {
  const answer = await fetch(`${world.url}/api/v1/backfill/${job}/${command}`, { method: "POST" });
  expect(answer.status).toBe(200);
}

const publicationsOf = ({ name, publications }: ChannelContract) =>
  Object.keys(publications).map((kind) => `${name}${kind}`);

/** The message that a push is; none or two of them is a breach. */
function expectOneOf(contract: ChannelContract, frame: Frame): string {
  const messages = channelMessages(contract);
  const found = publicationsOf(contract).map((name) => ({
    name,
    faults: faultsOf(name, messages[name]?.schema, frame),
  }));
  const [first, second] = found.filter(({ faults }) => faults.length === 0);
  if (first === undefined || second !== undefined)
    throw new Error(`${JSON.stringify(frame)} is ${second ? "two messages" : JSON.stringify(found)}`);
  return first.name;
}

test("the event stream, what it says is what the contract says", async () => {
  const connect = JSON.stringify({
    subs: { backfill: { recover: true, offset: 1, epoch: "" }, "weather:berlin": {} },
  });
  const answer = await fetch(
    `${world.url}/connection/uni_sse?${new URLSearchParams({ cf_connect: connect })}`,
  );
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes('"unsubscribe"')) text += (await reader?.read())?.value ?? "";
  await reader?.cancel();
  const pushes = text.split("\n\n").flatMap((event) => (event.startsWith("data: ") ? [event.slice(6)] : []));
  const names = pushes.map((push) => {
    const frame = v.parse(v.record(v.string(), v.unknown()), JSON.parse(push));
    const found = Object.entries(ONE_WAY).filter(
      ([name, { schema }]) => faultsOf(name, schema, frame).length === 0,
    );
    expect([push, found.length]).toEqual([push, 1]);
    return found[0]?.[0] ?? "";
  });
  expect(names).toContain("OneWayConnected");
  expect(names).toContain("OneWayUnsubscribed");
});

const EXAMPLES = [CONNECTION, ONE_WAY, ...CHANNEL_LIST.map(channelMessages)].flatMap((messages) =>
  Object.entries(messages).flatMap(([name, { schema, examples }]) =>
    examples.map(({ name: example, payload }) => ({ name, schema, example, payload })),
  ),
);
test.each(EXAMPLES)("$name, the example $example is what its schema says", ({ name, schema, payload }) => {
  const frame = v.parse(v.record(v.string(), v.unknown()), payload);
  expect(v.safeParse(schema, frame).success).toBe(true);
  expect(check(name, frame)).toEqual([]);
});
