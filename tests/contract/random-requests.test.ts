import { afterAll, beforeAll, expect, test } from "bun:test";
import * as fc from "fast-check";
import * as v from "valibot";
import { formatDay, MS_PER_DAY } from "../../src/core/mod.ts";
import { clientBuilt } from "../support/client-built.ts";
import { TapelineApi } from "../support/tapeline-api.ts";
import { bodyText, ContractWorld } from "./http-world.ts";
import { fitsSchema, type SchemaCheck, schemaCheck } from "./json-schema-check.ts";
import { Parameter, type RandomRequest, randomRequest } from "./random-request.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? 20_260_102);
const REQUESTS_OF_ROUTE = 30;
/** Where nothing can be asked for but what there is not. */
const REQUESTS_WITHOUT_PARAMETERS = 10;
/** A request that was refused for being early is asked again so often. */
const LOADING_TRIES = 20;
const LOADING_PAUSE_MS = 50;
const REQUEST_TIMEOUT_MS = 60_000;
const TIMEOUT_MS = 300_000;
const DAYS_BACK = 4;

const Content = v.object({ schema: v.looseObject({ $ref: v.optional(v.string()) }) });
const Operation = v.object({
  tags: v.array(v.string()),
  parameters: v.optional(v.array(Parameter), []),
  responses: v.record(v.string(), v.object({ content: v.optional(v.record(v.string(), Content), {}) })),
});
type Operation = v.InferOutput<typeof Operation>;
const Document = v.object({ paths: v.record(v.string(), v.object({ get: v.optional(Operation) })) });

let world: ContractWorld;
let check: SchemaCheck;
let routes: (readonly [path: string, operation: Operation])[];
const DAYS = Array.from({ length: DAYS_BACK }, (_, ago) =>
  formatDay(Math.floor(Date.now() / MS_PER_DAY) - ago),
);

beforeAll(async () => {
  await clientBuilt();
  world = await ContractWorld.start();
  const document: unknown = await (await fetch(`${world.url}/openapi.json`)).json();
  check = schemaCheck("2020-12", document);
  routes = Object.entries(v.parse(Document, document).paths).flatMap(([path, { get }]) =>
    get === undefined ? [] : [[path, get] as const],
  );
  const api = new TapelineApi(world.url);
  await api.knows("BTCUSDT");
  const job = await api.backfill("BTCUSDT", `${DAYS[1]}T00:00:00Z`, `${DAYS[1]}T02:00:00Z`);
  expect((await api.ended(job, TIMEOUT_MS)).status).toBe("complete");
  world.stands("job", job);
}, TIMEOUT_MS);
afterAll(() => world?.close(), TIMEOUT_MS);

function addressOf(path: string, request: RandomRequest): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(world.realOf(request.path[name] ?? "")),
  );
  const query = request.query.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  return query === "" ? filled : `${filled}?${query}`;
}

/** What of a request the document forbids. Addresses of push look at the one parameter that they know. */
function forbidden({ parameters, responses, tags }: Operation, request: RandomRequest): string[] {
  // A route without a 400 does not look at its address.
  if (responses["400"] === undefined) return [];
  const asked = [...Object.entries(request.path), ...request.query];
  const missing = parameters.filter((of) => of.required && !asked.some(([name]) => name === of.name));
  const wrong = asked.filter(([name, text]) => {
    const schema = parameters.find((of) => of.name === name)?.schema;
    if (schema === undefined) return !tags.includes("push");
    return !fitsSchema(schema, schema.type === "integer" && /^-?\d+$/.test(text) ? Number(text) : text);
  });
  return [...missing.map(({ name }) => `no ${name}`), ...wrong.map(([name, text]) => `${name}=${text}`)];
}

/** What an answer breaks of the document. */
async function faultsOf(operation: Operation, request: RandomRequest, answer: Response): Promise<string[]> {
  const { status } = answer;
  const text = await bodyText(answer);
  if (status >= 500 && status !== 503) return [`it failed with ${status}: ${text.slice(0, 300)}`];
  const declared = operation.responses[String(status)];
  if (declared === undefined) return [`${status} is not declared: ${text.slice(0, 300)}`];
  const accepted = status < 300 ? forbidden(operation, request) : [];
  const faults = accepted.map((what) => `the document forbids ${what}, and the answer is ${status}`);
  const contentType = answer.headers.get("content-type") ?? "";
  const mediaType = contentType.split(";")[0] ?? "";
  const content = declared.content[contentType] ?? declared.content[mediaType];
  if (content === undefined) return [...faults, `${status} comes as "${contentType}", which is not declared`];
  const { schema } = content;
  const value: unknown = mediaType.endsWith("json") ? JSON.parse(text) : text;
  if (schema.$ref !== undefined) return [...faults, ...check(schema.$ref.split("/").at(-1) ?? "", value)];
  return fitsSchema(schema, value) ? faults : [...faults, `${status} does not fit ${JSON.stringify(schema)}`];
}

/** The answer of a request; days that are still being read are waited for. */
async function answered(address: string): Promise<Response> {
  for (let tries = 1; ; tries++) {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const answer = await fetch(`${world.url}${address}`, { signal });
    if (answer.status !== 503 || tries === LOADING_TRIES) return answer;
    await answer.body?.cancel();
    await Bun.sleep(LOADING_PAUSE_MS);
  }
}

test(
  `every GET of the OpenAPI document, ${REQUESTS_OF_ROUTE} random requests each: answered as the document declares`,
  async () => {
    const unsuccessful: string[] = [];
    for (const [path, operation] of routes) {
      const statuses = new Set<number>();
      const numRuns = operation.parameters.length === 0 ? REQUESTS_WITHOUT_PARAMETERS : REQUESTS_OF_ROUTE;
      await fc.assert(
        fc.asyncProperty(randomRequest(operation.parameters, DAYS), async (request) => {
          const address = addressOf(path, request);
          const answer = await answered(address);
          statuses.add(answer.status);
          expect([address, ...(await faultsOf(operation, request, answer))]).toEqual([address]);
        }),
        { seed: SEED, numRuns },
      );
      if (operation.responses["200"] !== undefined && !statuses.has(200)) unsuccessful.push(path);
    }
    // Those whose things this server does not have.
    expect(unsuccessful).toEqual([
      "/api/v1/schedules/{id}",
      "/api/v1/webhooks/{id}",
      "/api/v1/webhooks/{id}/deliveries",
    ]);
    expect(world.running.fatal).toEqual([]);
    expect(world.running.log.filter(({ level }) => level === "error")).toEqual([]);
  },
  TIMEOUT_MS,
);
