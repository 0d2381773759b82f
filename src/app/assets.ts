import swaggerUi from "swagger-ui-dist/package.json" with { type: "json" };
import type { Asset } from "../http/mod.ts";
import { bundleAsset, fileAsset, pageAsset } from "../runtime/mod.ts";

/** The parts of swagger-ui-dist that our page of the HTTP contract needs. */
const SWAGGER_UI_FILES = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];
const SWAGGER_UI_PATH = `/docs/swagger-ui-${swaggerUi.version}`;

const ROOT = new URL("../../", import.meta.url);

/** Every file that this server hands out, each under its own address. */
export function serverAssets(): Asset[] {
  return [...docsAssets(), ...swaggerUiAssets(), ...clientAssets()];
}

/** The pages that show the contracts. */
function docsAssets(): Asset[] {
  const web = (name: string) => new URL(`src/web/${name}`, ROOT);
  const values = { swagger_ui: SWAGGER_UI_PATH };
  return [
    pageAsset(
      { path: "/docs", about: "the contract of everything here, to browse and try" },
      web("http-docs/page.html"),
      values,
    ),
    bundleAsset({ path: "/docs/http.js" }, web("http-docs/mod.ts")),
    pageAsset(
      { path: "/docs/push", about: "the contract of the push, to browse and watch" },
      web("push-docs/page.html"),
      values,
    ),
    bundleAsset({ path: "/docs/push.js" }, web("push-docs/mod.ts")),
    fileAsset({ path: "/docs/page.css" }, web("page.css")),
  ];
}

function swaggerUiAssets(): Asset[] {
  return SWAGGER_UI_FILES.map((name) =>
    fileAsset(
      { path: `${SWAGGER_UI_PATH}/${name}`, versioned: true },
      new URL(import.meta.resolve(`swagger-ui-dist/${name}`)),
    ),
  );
}

/** The client as setup has built it, and a page that shows what it does. */
function clientAssets(): Asset[] {
  const file = (path: string, name: string, about?: string) =>
    fileAsset(about === undefined ? { path } : { path, about }, new URL(name, ROOT));
  return [
    file(
      "/client.js",
      "dist/client.js",
      'the typed client, for a page: import { Tapeline } from "/client.js"',
    ),
    file("/client.js.map", "dist/client.js.map"),
    file("/examples/page", "examples/page/index.html", "an example: levels, bars and a backfill, live"),
    file("/examples/page.css", "examples/page/page.css"),
    file("/examples/page.js", "examples/page/page.js"),
    file("/examples/chart.js", "examples/page/chart.js"),
  ];
}
