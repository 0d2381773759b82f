import { expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleAsset, fileAsset, pageAsset } from "../../src/runtime/mod.ts";

async function inFolder(work: (at: (name: string) => URL) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tapeline-assets-"));
  try {
    await work((name) => pathToFileURL(join(folder, name)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("fileAsset(), reads a file once, and names its bytes", () =>
  inFolder(async (at) => {
    await writeFile(at("a.css"), "body {}");
    const asset = fileAsset({ path: "/a.css" }, at("a.css"));
    const first = await asset.read();
    await rm(at("a.css"));
    expect(await asset.read()).toBe(first);
    expect(asset.contentType).toBe("text/css; charset=utf-8");
    expect(new TextDecoder().decode(first.bytes)).toBe("body {}");
    await writeFile(at("b.css"), "body { }");
    const other = await fileAsset({ path: "/b.css" }, at("b.css")).read();
    expect(other.etag).not.toBe(first.etag);
    expect(first.etag).toMatch(/^"\w+"$/);
  }));

test("fileAsset(), a file that was not there is looked for again", () =>
  inFolder(async (at) => {
    const asset = fileAsset({ path: "/a.js" }, at("a.js"));
    await expect(asset.read()).rejects.toThrow();
    await writeFile(at("a.js"), "1");
    expect((await asset.read()).bytes).toHaveLength(1);
  }));

test("fileAsset(), refuses a kind of file without a media type", () => {
  expect(() => fileAsset({ path: "/a" }, new URL("file:///a.exe"))).toThrow('no media type for ".exe"');
});

test("pageAsset(), fills in its values, and fails for one that there is not", () =>
  inFolder(async (at) => {
    await writeFile(at("page.html"), '<a href="{{base}}/x">{{base}}</a>');
    const page = pageAsset({ path: "/page" }, at("page.html"), { base: "/b-1.0.0" });
    expect(page.contentType).toBe("text/html; charset=utf-8");
    expect(new TextDecoder().decode((await page.read()).bytes)).toBe('<a href="/b-1.0.0/x">/b-1.0.0</a>');
    await expect(pageAsset({ path: "/page" }, at("page.html")).read()).rejects.toThrow("{{base}}");
  }));

test("bundleAsset(), builds a module and what it imports into one script", () =>
  inFolder(async (at) => {
    await writeFile(at("part.ts"), "export const answer: number = 42;");
    await writeFile(at("main.ts"), 'import { answer } from "./part.ts";\nexport const told = [answer];');
    const { bytes } = await bundleAsset({ path: "/main.js" }, at("main.ts")).read();
    const script = new TextDecoder().decode(bytes);
    expect(script).not.toContain("import");
    const loaded = await import(`data:text/javascript,${encodeURIComponent(script)}`);
    expect(loaded.told).toEqual([42]);
  }));

test("bundleAsset(), a module that does not build fails whoever asks", () =>
  inFolder(async (at) => {
    await writeFile(at("main.ts"), 'import "./gone.ts";');
    await expect(bundleAsset({ path: "/main.js" }, at("main.ts")).read()).rejects.toThrow();
  }));
