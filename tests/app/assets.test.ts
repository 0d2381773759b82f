import { expect, test } from "bun:test";
import { serverAssets } from "../../src/app/assets.ts";

const text = async (path: string) => {
  const asset = serverAssets().find((each) => each.path === path);
  if (asset === undefined) throw new Error(`nothing is served at ${path}`);
  return new TextDecoder().decode((await asset.read()).bytes);
};
const PAGES = ["/docs", "/docs/push"];
/** Answered by the HTTP app itself. */
const ELSEWHERE = ["/openapi.json", "/asyncapi.json"];

test("serverAssets(), each has an address of its own", () => {
  const paths = serverAssets().map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
});

for (const page of PAGES)
  test(`serverAssets(), ${page} names nothing but what this server has`, async () => {
    const paths = [...serverAssets().map(({ path }) => path), ...ELSEWHERE];
    const named = Array.from((await text(page)).matchAll(/(?:src|href)="([^"]+)"/g), ([, at]) => at);
    expect(named.length).toBeGreaterThan(5);
    for (const address of named) expect(paths).toContain(address ?? "");
  });

for (const script of ["/docs/http.js", "/docs/push.js"])
  test(`serverAssets(), ${script} is one script without imports, and names no other host`, async () => {
    const code = await text(script);
    expect(code).not.toMatch(/\bimport\b\s*["{(]/);
    expect(code).not.toMatch(/https?:\/\//);
  });

test("serverAssets(), what is kept for good has a version in its address", () => {
  const kept = serverAssets().filter(({ versioned }) => versioned === true);
  expect(kept.length).toBeGreaterThan(0);
  for (const { path } of kept) expect(path).toMatch(/-\d+\.\d+\.\d+\//);
});
