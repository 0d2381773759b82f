import { expect, test } from "bun:test";
import type { Asset } from "../../src/http/mod.ts";
import { fakeApp } from "./fake-deps.ts";

const text = (content: string) => ({ bytes: new TextEncoder().encode(content), etag: '"one"' });

const PAGE: Asset = {
  path: "/docs",
  contentType: "text/html; charset=utf-8",
  about: "a page",
  read: async () => text("<!doctype html>"),
};
const SCRIPT: Asset = {
  path: "/docs/part-1.2.3/main.js",
  contentType: "text/javascript; charset=utf-8",
  versioned: true,
  read: async () => text("export {};"),
};

const served = () => fakeApp({ assets: [PAGE, SCRIPT] }).app;

test("assets, a page is asked for again each time, and may load from this server alone", async () => {
  const answer = await served().request("/docs");
  expect([answer.status, await answer.text()]).toEqual([200, "<!doctype html>"]);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-cache",
    etag: '"one"',
    "x-content-type-options": "nosniff",
    "x-request-id": "request-1",
  });
  const policy = answer.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
});

test("assets, what carries its version in its address is kept for good", async () => {
  const answer = await served().request(SCRIPT.path);
  expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(answer.headers.get("content-security-policy")).toBeNull();
});

for (const asked of ['"one"', 'W/"one"', '"two", "one"', "*"])
  test(`assets, if-none-match ${asked} answers 304 without a body`, async () => {
    const answer = await served().request("/docs", { headers: { "if-none-match": asked } });
    expect([answer.status, await answer.text()]).toEqual([304, ""]);
    expect(answer.headers.get("etag")).toBe('"one"');
  });

test("assets, another etag answers the whole, and HEAD the same without a body", async () => {
  const answer = await served().request("/docs", { headers: { "if-none-match": '"two"' } });
  expect(answer.status).toBe(200);
  const head = await served().request("/docs", { method: "HEAD" });
  expect([head.status, await head.text(), head.headers.get("etag")]).toEqual([200, "", '"one"']);
});

for (const path of [
  "/docs/",
  "/docs/part-1.2.3/",
  "/docs/part-1.2.3/../../package.json",
  "/docs/..%2fpackage.json",
  "/docs%00",
])
  test(`assets, ${path} leads nowhere`, async () => {
    const answer = await served().request(path);
    expect(answer.status).toBe(404);
  });

test("assets, other methods are refused", async () => {
  const answer = await served().request("/docs", { method: "POST" });
  expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
});

test("assets, the index lists those that stand for themselves", async () => {
  const { endpoints } = await (await served().request("/")).json();
  const paths = endpoints.map(({ path }: { path: string }) => path);
  expect(paths).toContain("/docs");
  expect(paths).not.toContain(SCRIPT.path);
});

test("assets, one that cannot be read fails as a request does", async () => {
  const broken = { ...SCRIPT, read: () => Promise.reject(new Error("no such file")) };
  const { app, asked } = fakeApp({ assets: [broken] });
  expect((await app.request(SCRIPT.path)).status).toBe(500);
  expect(asked.logged).toHaveLength(1);
});
