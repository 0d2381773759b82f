import {
  asyncApiDocument,
  type DescribedRoute,
  type OpenApiOptions,
  openApiDocument,
} from "../contract/mod.ts";
import { scopeOf } from "./access.ts";
import type { Asset, AssetContent } from "./asset.ts";

/** Bytes of the digest that an etag shows. */
const ETAG_BYTES = 16;

export interface DocumentOptions {
  readonly version: string;
  /** Addresses that anybody may read. */
  readonly open: ReadonlySet<string>;
}

/** The contracts, as documents that are built when one is first asked for, in turns, and kept. */
export function documentAssets(
  routes: () => readonly DescribedRoute[],
  { version, open }: DocumentOptions,
): Asset[] {
  const options: OpenApiOptions = {
    version,
    scopeOf: ({ method, path }) => scopeOf(method, path, open),
    giveWay: () => new Promise((resolve) => setTimeout(resolve, 0)),
  };
  return [
    {
      path: "/openapi.json",
      contentType: "application/json",
      about: "the contract of everything here, as OpenAPI 3.1",
      read: kept(() => openApiDocument(routes(), options)),
    },
    {
      path: "/asyncapi.json",
      contentType: "application/json",
      about: "the contract of the push, as AsyncAPI 3.0",
      read: kept(() => asyncApiDocument(options)),
    },
  ];
}

function kept(build: () => Promise<unknown>): () => Promise<AssetContent> {
  let content: Promise<AssetContent> | undefined;
  return () => {
    content ??= build()
      .then(contentOf)
      .catch((thrown) => {
        content = undefined;
        throw thrown;
      });
    return content;
  };
}

async function contentOf(document: unknown): Promise<AssetContent> {
  const bytes = new TextEncoder().encode(JSON.stringify(document));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const name = Array.from(digest.subarray(0, ETAG_BYTES), (byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
  return { bytes, etag: `"${name}"` };
}
