import { fileURLToPath } from "node:url";
import type { Asset, AssetContent } from "../http/mod.ts";

/** Where a file is served, and how long its readers may keep it; see `Asset`. */
export type AssetAddress = Pick<Asset, "path" | "about" | "versioned">;

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  map: "application/json",
  png: "image/png",
};

/** A file on the disk, read when it is first asked for. Throws for a kind of file that has no media type here. */
export function fileAsset(address: AssetAddress, file: URL): Asset {
  const ending = /\.(\w+)$/.exec(file.pathname)?.[1] ?? "";
  const contentType = MEDIA_TYPES[ending];
  if (contentType === undefined) throw new TypeError(`${file.pathname}: no media type for ".${ending}"`);
  return { ...address, contentType, read: once(() => Bun.file(file).bytes()) };
}

/** A page on the disk; each `{{name}}` in it is one of `values`. Throws, for who asks for it, when it names a value that there is not. */
export function pageAsset(
  address: AssetAddress,
  file: URL,
  values: Readonly<Record<string, string>> = {},
): Asset {
  const fill = (_: string, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${file.pathname} names {{${name}}}, which has no value`);
    return value;
  };
  return {
    ...address,
    contentType: "text/html; charset=utf-8",
    read: once(async () =>
      new TextEncoder().encode((await Bun.file(file).text()).replaceAll(/\{\{(\w+)\}\}/g, fill)),
    ),
  };
}

/** A module and all that it imports as one script for browsers, built when it is first asked for, beside the event loop. */
export function bundleAsset(address: AssetAddress, entry: URL): Asset {
  return {
    ...address,
    contentType: "text/javascript; charset=utf-8",
    read: once(async () => {
      const built = await Bun.build({
        entrypoints: [fileURLToPath(entry)],
        target: "browser",
        format: "esm",
        minify: true,
      });
      const [script] = built.outputs;
      if (script === undefined) throw new Error(`${entry.pathname} was built into nothing`);
      return new Uint8Array(await script.arrayBuffer());
    }),
  };
}

/** Content that is read once and kept; a reading that failed is tried again by the next who asks. */
function once(read: () => Promise<Uint8Array<ArrayBuffer>>): () => Promise<AssetContent> {
  let kept: Promise<AssetContent> | undefined;
  return () => {
    kept ??= read().then(
      (bytes) => ({ bytes, etag: `"${Bun.hash(bytes).toString(36)}"` }),
      (thrown) => {
        kept = undefined;
        throw thrown;
      },
    );
    return kept;
  };
}
