import { expect, test } from "bun:test";
import SwaggerParser from "@apidevtools/swagger-parser";
import * as v from "valibot";
import { fakeApp } from "./fake-deps.ts";

const Operation = v.looseObject({
  operationId: v.string(),
  summary: v.string(),
  tags: v.array(v.string()),
  security: v.array(v.record(v.string(), v.array(v.string()))),
  parameters: v.optional(
    v.array(v.looseObject({ name: v.string(), in: v.picklist(["path", "query"]), required: v.boolean() })),
  ),
  requestBody: v.optional(v.looseObject({ required: v.boolean() })),
  responses: v.record(v.string(), v.looseObject({ description: v.string() })),
});
const Document = v.looseObject({
  openapi: v.string(),
  paths: v.record(v.string(), v.record(v.string(), Operation)),
  components: v.looseObject({ schemas: v.record(v.string(), v.unknown()) }),
});

async function read(): Promise<{ readonly text: string; readonly document: v.InferOutput<typeof Document> }> {
  const answer = await fakeApp().app.request("/openapi.json");
  expect(answer.headers.get("content-type")).toBe("application/json");
  const text = await answer.text();
  return { text, document: v.parse(Document, JSON.parse(text)) };
}

const operationsOf = ({ paths }: v.InferOutput<typeof Document>) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );

test("GET /openapi.json, the official schema of OpenAPI 3.1 takes it", async () => {
  const { text, document } = await read();
  expect(document.openapi).toBe("3.1.0");
  // The parser resolves in place, so it gets a copy.
  await SwaggerParser.validate(JSON.parse(text));
});

test("GET /openapi.json, the official schema refuses a document with a fault", async () => {
  const { text } = await read();
  const broken = JSON.parse(text.replace('"summary":', '"sumary":'));
  await expect(SwaggerParser.validate(broken)).rejects.toThrow();
});

test("GET /openapi.json, describes what GET / lists, and nothing else", async () => {
  const { document } = await read();
  const index = v.parse(
    v.object({ endpoints: v.array(v.object({ method: v.string(), path: v.string(), about: v.string() })) }),
    await (await fakeApp().app.request("/")).json(),
  );
  const described = operationsOf(document).map(
    ({ path, method, operation }) => `${method.toUpperCase()} ${path}: ${operation.summary}`,
  );
  const listed = index.endpoints.map(
    ({ method, path, about }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}: ${about}`,
  );
  expect(described.toSorted()).toEqual(listed.toSorted());
});

test("GET /openapi.json, each operation has a name of its own and a parameter for each part of its path", async () => {
  const operations = operationsOf((await read()).document);
  const names = operations.map(({ operation }) => operation.operationId);
  expect(new Set(names).size).toBe(names.length);
  for (const { path, operation } of operations) {
    const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const described = (operation.parameters ?? []).filter((of) => of.in === "path");
    expect(described.map(({ name }) => name)).toEqual(parts.map(String));
  }
});

test("GET /openapi.json, reading takes read, changing takes backfill, and health is open", async () => {
  const { document } = await read();
  const of = (path: string, method: string) => document.paths[path]?.[method]?.security;
  expect(of("/levels", "get")).toEqual([{}, { bearer: ["read"] }]);
  expect(of("/api/v1/backfill", "post")).toEqual([{}, { bearer: ["backfill"] }]);
  expect(of("/health", "get")).toEqual([]);
  expect(of("/openapi.json", "get")).toEqual([]);
});

test("GET /openapi.json, an address of push says how it is refused before it is open", async () => {
  const { document } = await read();
  const { parameters, responses } = document.paths["/connection/uni_websocket"]?.["get"] ?? {};
  expect(parameters).toMatchObject([{ name: "cf_connect", required: false }]);
  for (const status of ["403", "426", "429", "503"]) expect(responses).toHaveProperty(status);
  expect(responses?.["403"]?.description).toContain("ALLOWED_ORIGINS");
});

test("GET /openapi.json, a parameter says what its text means", async () => {
  const { document } = await read();
  const parameters = document.paths["/api/v1/backfill/recent"]?.["get"]?.parameters;
  expect(parameters).toEqual([
    {
      name: "limit",
      in: "query",
      required: false,
      description: "jobs, 20 when absent",
      schema: { type: "integer", minimum: 1, maximum: 100 },
      examples: { newest: { summary: "The two newest.", value: 2 } },
    },
  ]);
});

test("GET /openapi.json, its schemas are the ones that it refers to", async () => {
  const { text, document } = await read();
  const named = Object.keys(document.components.schemas);
  expect(named).toContain("LevelSet");
  for (const name of named) expect(text).toContain(`"#/components/schemas/${name}"`);
});

test("GET /openapi.json, is the same for the same server, and asked for by its etag", async () => {
  const { app } = fakeApp();
  const first = await app.request("/openapi.json");
  const etag = first.headers.get("etag") ?? "";
  const again = await app.request("/openapi.json", { headers: { "if-none-match": etag } });
  expect([again.status, await again.text()]).toEqual([304, ""]);
  expect((await fakeApp().app.request("/openapi.json")).headers.get("etag")).toBe(etag);
});
