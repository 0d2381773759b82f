import type { Asset } from "./asset.ts";
import type { AppContext } from "./route.ts";

/** A year, the longest that caches take seriously, seconds. */
const KEPT_SECONDS = 31_536_000;

/** Pages run scripts and take styles of this server alone, talk to it alone, and stand in nobody's frame. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Answers an asset, or 304 to a client that has it. */
export async function assetResponse(c: AppContext, asset: Asset): Promise<Response> {
  const { bytes, etag } = await asset.read();
  const headers: Record<string, string> = {
    etag,
    "cache-control": asset.versioned === true ? `public, max-age=${KEPT_SECONDS}, immutable` : "no-cache",
  };
  if (asset.contentType.startsWith("text/html")) {
    headers["content-security-policy"] = PAGE_POLICY;
    headers["referrer-policy"] = "no-referrer";
  }
  if (matches(c.req.header("if-none-match"), etag)) return new Response(null, { status: 304, headers });
  return new Response(bytes, { headers: { ...headers, "content-type": asset.contentType } });
}

/** Whether `If-None-Match` names this etag, weakly compared, as RFC 9110 asks for. */
function matches(asked: string | undefined, etag: string): boolean {
  if (asked === undefined) return false;
  if (asked.trim() === "*") return true;
  return asked.split(",").some((each) => each.trim().replace(/^W\//, "") === etag);
}
