import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseCommands as parseAtMost, parseConnectRequest } from "../../src/protocol/mod.ts";

const COMMANDS_MAX = 200;
const parseCommands = (text: string) => parseAtMost(text, COMMANDS_MAX);

function errorCodeOf(command: object): number | undefined {
  const parsed = parseCommands(JSON.stringify(command));
  const [only] = parsed.kind === "commands" ? parsed.commands : [];
  return only?.kind === "refused" ? only.error.code : undefined;
}

describe("parseCommands()", () => {
  test("reads newline-joined commands in order, empty lines skipped", () => {
    const parsed = parseCommands(
      '{"id":1,"connect":{}}\n\n{"id":2,"subscribe":{"channel":"backfill"}}\n{}\n',
    );
    expect(parsed.kind === "commands" && parsed.commands.map(({ kind }) => kind)).toEqual([
      "connect",
      "subscribe",
      "pong",
    ]);
  });

  test("tolerates unknown fields, as the protocol grows by them", () => {
    const parsed = parseCommands(
      '{"id":7,"novel":1,"subscribe":{"channel":"backfill","flag":3,"positioned":true,"later":{}}}',
    );
    expect(parsed).toMatchObject({
      kind: "commands",
      commands: [{ kind: "subscribe", id: 7, request: { channel: "backfill" } }],
    });
  });

  test.each([
    ["publish", 108],
    ["presence", 108],
    ["presence_stats", 108],
    ["nonsense", 104],
  ])("answers %s with error %i", (method, code) => {
    expect(errorCodeOf({ id: 3, [method]: {} })).toBe(code);
  });

  test("reads what a client asks, each under its own kind", () => {
    const asked = [
      { connect: { token: "t" } },
      { subscribe: { channel: "backfill" } },
      { unsubscribe: { channel: "backfill" } },
      { refresh: { token: "t" } },
      { sub_refresh: { channel: "backfill", token: "t" } },
      { history: { channel: "backfill", limit: 3, reverse: true } },
      { rpc: { method: "levels", data: { symbol: "BTCUSDT" } } },
      { ping: {} },
    ];
    for (const command of asked) {
      const parsed = parseCommands(JSON.stringify({ id: 4, ...command }));
      const [kind, request] = Object.entries(command)[0]!;
      expect(parsed).toMatchObject({ kind: "commands", commands: [{ kind, id: 4, request }] });
    }
  });

  test("ignores send, with an id and without", () => {
    for (const text of ['{"send":{"data":1}}', '{"id":3,"send":{"data":1}}'])
      expect(parseCommands(text)).toEqual({ kind: "commands", commands: [{ kind: "ignored" }] });
  });

  test("says of an unknown command what came and what was expected", () => {
    const parsed = parseCommands('{"id":1,"method":0,"params":{}}');
    expect(parsed).toMatchObject({ commands: [{ kind: "refused", error: { code: 104 } }] });
    const text = JSON.stringify(parsed);
    for (const word of ["method", "params", "connect", "subscribe", "rpc"]) expect(text).toContain(word);
  });

  test.each([
    ["hello", "is no JSON"],
    ["[1]", "is an array, expected a JSON object"],
    ["null", "is null, expected a JSON object"],
    ["4", "is a number, expected a JSON object"],
    ['{"id":1,"id":2,"ping":{}}', "has a member twice in one object"],
    [`{"id":1,"rpc":{"data":${"[".repeat(40)}${"]".repeat(40)}}}`, "is nested more than 32 deep"],
  ])("says of the line %j that it %s", (line, finding) => {
    const parsed = parseCommands(`{}\n${line}`);
    expect(parsed).toEqual({ kind: "malformed", reason: `line 2 ${finding}` });
  });

  test.each([
    { subscribe: {} },
    { refresh: { token: 5 } },
    { sub_refresh: { token: "t" } },
    { rpc: { method: 1 } },
    { ping: 1 },
    { subscribe: { channel: "" } },
    { subscribe: { channel: 5 } },
    { subscribe: { channel: "backfill", offset: -1 } },
    { subscribe: { channel: "backfill", offset: 1.5 } },
    { subscribe: { channel: "backfill", epoch: "e".repeat(1_000) } },
    { connect: "now" },
    { connect: { token: 1 } },
    { history: { channel: "backfill", since: 4 } },
    { unsubscribe: null },
  ])("answers the malformed request %j with error 107", (command) => {
    expect(errorCodeOf({ id: 3, ...command })).toBe(107);
  });

  test.each([
    "",
    "\n",
    "hello",
    "[]",
    "1",
    "null",
    '{"connect":{}}',
    '{"id":0,"connect":{}}',
    '{"id":"1","connect":{}}',
    "{}}",
  ])("finds %j malformed", (text) => {
    expect(parseCommands(text).kind).toBe("malformed");
  });

  test("finds more commands than the limit malformed", () => {
    const commands = Array.from({ length: COMMANDS_MAX + 1 }, () => "{}");
    expect(parseCommands(commands.join("\n")).kind).toBe("malformed");
    expect(parseCommands(commands.slice(1).join("\n")).kind).toBe("commands");
  });

  test("never throws, whatever comes", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseCommands(text)));
    fc.assert(
      fc.property(fc.jsonValue(), (value) => void parseCommands(JSON.stringify({ id: 1, subscribe: value }))),
    );
  });
});

describe("parseConnectRequest()", () => {
  test("reads a connect request by itself", () => {
    expect(
      parseConnectRequest('{"token":"t","subs":{"backfill":{"recover":true,"offset":3}},"novel":1}'),
    ).toEqual({
      kind: "connect",
      request: {
        token: "t",
        name: "",
        version: "",
        subs: { backfill: { token: "", recover: true, offset: 3, epoch: "" } },
      },
    });
    expect(parseConnectRequest("{}")).toMatchObject({ kind: "connect", request: { subs: {} } });
  });

  test.each([
    ["hello", "no JSON"],
    ["[]", "an array"],
    ['"x"', "a string"],
    ['{"subs":[]}x', "no JSON"],
    ['{"subs":{},"subs":{}}', "twice"],
    ['{"subs":{"backfill":5}}', "connect.subs.backfill"],
    ['{"subs":{"":{}}}', "connect.subs"],
    ['{"token":4}', "connect.token"],
    ['{"subs":{"é":1}}', "connect.subs.?"],
  ])("says of %j what is wrong with it", (text, named) => {
    const parsed = parseConnectRequest(text);
    expect(parsed).toMatchObject({ kind: "malformed", reason: expect.stringContaining(named) });
    expect(JSON.stringify(parsed)).toMatch(/^[ -~]*$/);
  });

  test("never throws, whatever comes", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void parseConnectRequest(text)));
    fc.assert(
      fc.property(fc.jsonValue(), (value) => void parseConnectRequest(JSON.stringify({ subs: value }))),
    );
  });
});
