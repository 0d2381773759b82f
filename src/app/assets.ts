import swaggerUi from "swagger-ui-dist/package.json" with { type: "json" };
import type { Asset } from "../http/mod.ts";
import { fileAsset } from "../runtime/mod.ts";

/** The parts of swagger-ui-dist that our page of the HTTP contract needs. */
const SWAGGER_UI_FILES = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

const ROOT = new URL("../../", import.meta.url);

/** Every file that this server hands out, each under its own address. */
export function serverAssets(): Asset[] {
  return [
    ...SWAGGER_UI_FILES.map((name) =>
      fileAsset(
        { path: `/docs/swagger-ui-${swaggerUi.version}/${name}`, versioned: true },
        new URL(import.meta.resolve(`swagger-ui-dist/${name}`)),
      ),
    ),
    ...clientAssets(),
  ];
}

/** The client as setup has built it. */
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
  ];
}
