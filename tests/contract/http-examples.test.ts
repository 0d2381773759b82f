import { afterAll, beforeAll, expect, test } from "bun:test";
import * as v from "valibot";
import { serverAssets } from "../../src/app/assets.ts";
import { type DescribedRoute, problemsOf, type RouteExample } from "../../src/contract/mod.ts";
import { nameOf } from "../../src/contract/named-schemas.ts";
import { describedRoutes } from "../../src/http/endpoints.ts";
import { allRoutes } from "../../src/http/routes.ts";
import {
  BackfillAccepted,
  DeliveryList,
  PROBLEMS,
  Problem,
  ScheduleAnswer,
  WebhookCreated,
} from "../../src/protocol/mod.ts";
import { fakeApp } from "../http/fake-deps.ts";
import { clientBuilt } from "../support/client-built.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { until } from "../support/until.ts";
import { type Answered, ContractWorld } from "./http-world.ts";
import { type SchemaCheck, schemaCheck } from "./json-schema-check.ts";

const TEST_TIMEOUT_MS = 300_000;
const ROUTES = describedRoutes(allRoutes(fakeApp().deps), serverAssets());
/** A job that is still running when it is told what to do. */
const LONG_JOB = { symbols: ["BTCUSDT"], start_date: "2025-01-01", end_date: "2025-12-31" };

let world: ContractWorld;
let check: SchemaCheck;
beforeAll(async () => {
  await clientBuilt();
  world = await ContractWorld.start();
  const document: unknown = await (await fetch(`${world.url}/openapi.json`)).json();
  check = schemaCheck("2020-12", document);
}, TEST_TIMEOUT_MS);
afterAll(() => world?.close(), TEST_TIMEOUT_MS);

/** The route with the operation of this name. */
function routeOf(operation: string): DescribedRoute {
  const found = ROUTES.find(({ contract }) => contract.operation === operation);
  if (found === undefined) throw new Error(`no route has the operation ${operation}`);
  return found;
}

/** Sends an example, and proves that its answer is what the contract says: by our schema, and by the document's. */
async function executed(route: DescribedRoute, name: string): Promise<unknown> {
  const example = route.contract.examples[name];
  if (example === undefined) throw new Error(`${route.contract.operation} has no example ${name}`);
  const answered = await world.ask(route, example);
  return example.problem === undefined
    ? succeeded(route, answered)
    : refused(route, example.problem, answered);
}

function succeeded({ contract, path }: DescribedRoute, { status, mediaType, text }: Answered): unknown {
  const { answer } = contract;
  expect([path, status, status === answer.status ? "" : text]).toEqual([path, answer.status, ""]);
  if (answer.schema === undefined) {
    expect(mediaType).toBe(answer.mediaType ?? "");
    return undefined;
  }
  expect(mediaType).toStartWith("application/json");
  const json: unknown = JSON.parse(text);
  // What our schema drops is a field that the contract does not tell.
  expect(v.parse(answer.schema, json)).toEqual(json);
  expect(check(nameOf(answer.schema) ?? "", json)).toEqual([]);
  return json;
}

function refused(
  route: DescribedRoute,
  name: NonNullable<RouteExample["problem"]>,
  { status, mediaType, text }: Answered,
): undefined {
  expect([route.path, status, mediaType]).toEqual([
    route.path,
    PROBLEMS[name].status,
    "application/problem+json",
  ]);
  const json: unknown = JSON.parse(text);
  expect(v.parse(Problem, json)).toMatchObject({ type: `/problems/${name}`, status });
  expect(check("Problem", json)).toEqual([]);
  return undefined;
}

/** Prepares what the examples' ids stand for; each step is an example itself. */
async function prepare(): Promise<void> {
  const webhook = v.parse(WebhookCreated, await executed(routeOf("makeWebhook"), "all"));
  world.stands("webhook", webhook.id);
  const schedule = v.parse(ScheduleAnswer, await executed(routeOf("makeSchedule"), "nightly"));
  world.stands("schedule", schedule.id);
  const job = v.parse(BackfillAccepted, await executed(routeOf("startBackfill"), "trades"));
  world.stands("job", job.job_id);
  const api = new TapelineApi(world.url);
  expect((await api.ended(job.job_id, TEST_TIMEOUT_MS)).status).toBe("complete");
  const delivery = await until("a delivery that has ended", async () => {
    const list = v.parse(DeliveryList, await executed(routeOf("listDeliveries"), "newest"));
    return list.deliveries.find(({ status }) => status === "delivered");
  });
  world.stands("delivery", String(delivery.id));
}

const cancel = () => executed(routeOf("cancelJob"), "cancel");
const PREPARED = new Set(["makeWebhook all", "makeSchedule nightly", "startBackfill trades"]);
const isCommand = ({ path }: DescribedRoute) => /\/backfill\/:job_id\//.test(path);

test(
  "every example of the HTTP contract, sent to a running server, is answered as the contract says",
  async () => {
    await prepare();
    const others = ROUTES.filter((route) => !isCommand(route) && route.contract.answer.status !== 101);
    // What is removed is looked at before.
    const last = (route: DescribedRoute) => (route.method === "DELETE" ? 1 : 0);
    for (const route of others.toSorted((a, b) => last(a) - last(b)))
      for (const name of Object.keys(route.contract.examples))
        if (!PREPARED.has(`${route.contract.operation} ${name}`)) await executed(route, name);

    const long = await world.ask(routeOf("startBackfill"), { about: "a long job", body: LONG_JOB });
    world.stands("job", v.parse(BackfillAccepted, JSON.parse(long.text)).job_id);
    for (const route of ROUTES.filter(isCommand))
      for (const name of Object.keys(route.contract.examples)) {
        // What was retried has to be called off before it can be retried again.
        if (route.contract.operation === "retryJob" && name !== "all") await cancel();
        await executed(route, name);
      }
    await cancel();
    expect(world.running.fatal).toEqual([]);
  },
  TEST_TIMEOUT_MS,
);

test("the push address of the HTTP contract is a WebSocket", async () => {
  const push = ROUTES.filter(({ contract }) => contract.answer.status === 101);
  expect(push.length).toBeGreaterThan(0);
  for (const { path } of push) {
    const socket = new WebSocket(`${world.url.replace("http", "ws")}${path}`);
    await until("the socket to open", () => socket.readyState === WebSocket.OPEN);
    socket.close();
  }
});

for (const { contract } of ROUTES)
  for (const [name, { answer, body, problem }] of Object.entries(contract.examples)) {
    const { operation } = contract;
    if (answer !== undefined)
      test(`${operation}, the answer of the example ${name} is what the contract says`, () => {
        const { schema } = contract.answer;
        if (schema === undefined) throw new Error("an answer without a schema");
        expect(v.parse(schema, answer)).toEqual(answer);
        expect(check(nameOf(schema) ?? "", answer)).toEqual([]);
      });
    if (body !== undefined && problem === undefined)
      test(`${operation}, the body of the example ${name} is what the contract says`, () => {
        expect(check(nameOf(contract.body?.schema ?? v.never()) ?? "", body)).toEqual([]);
      });
  }

test("every problem that an example ends in is told by its route", () => {
  for (const { contract } of ROUTES)
    for (const { problem } of Object.values(contract.examples))
      if (problem !== undefined) expect(problemsOf(contract)).toContain(problem);
});
