import { SECRET_BYTES_MIN, type TokenKey } from "../auth/mod.ts";
import { isLoopback } from "../runtime/mod.ts";
import { type EnvironmentReader, shown } from "./environment-reader.ts";

/** How tokens of clients are verified. */
export interface TokenSettings {
  readonly key: TokenKey;
  /** What `aud` and `iss` must say; undefined: whatever they say. */
  readonly audience: string | undefined;
  readonly issuer: string | undefined;
}

/** Null: nobody is asked for a token. Nothing of a secret is shown in a fault. */
export function readTokenSettings(reader: EnvironmentReader): TokenSettings | null {
  const key = readKey(reader);
  const audience = reader.get("TOKEN_AUDIENCE");
  const issuer = reader.get("TOKEN_ISSUER");
  if (!asksForTokens(reader))
    for (const [name, value] of [
      ["TOKEN_AUDIENCE", audience],
      ["TOKEN_ISSUER", issuer],
    ] as const)
      if (value !== undefined)
        reader.fault(name, "nothing without TOKEN_HMAC_SECRET or TOKEN_JWKS_URL", shown(value));
  return key === undefined ? null : { key, audience, issuer };
}

/** The address to listen on: any with tokens, a loopback one without. */
export function readHost(reader: EnvironmentReader): string {
  const host = reader.text("HOST", "127.0.0.1");
  if (asksForTokens(reader) ? /^[\w.:-]+$/.test(host) : isLoopback(host)) return host;
  reader.fault(
    "HOST",
    asksForTokens(reader)
      ? "an address or a name such as 0.0.0.0, :: or 127.0.0.1"
      : "a loopback address (127.0.0.1, ::1 or localhost) without TOKEN_HMAC_SECRET or TOKEN_JWKS_URL: whoever reaches the server may do everything",
    shown(host),
  );
  return "127.0.0.1";
}

/** Whether tokens are meant to be asked for, also by a setting that is faulty: its fault is enough. */
function asksForTokens(reader: EnvironmentReader): boolean {
  return reader.get("TOKEN_HMAC_SECRET") !== undefined || reader.get("TOKEN_JWKS_URL") !== undefined;
}

function readKey(reader: EnvironmentReader): TokenKey | undefined {
  const secret = reader.get("TOKEN_HMAC_SECRET");
  const url = reader.get("TOKEN_JWKS_URL");
  if (secret !== undefined && url !== undefined)
    reader.fault("TOKEN_JWKS_URL", "nothing beside TOKEN_HMAC_SECRET: tokens have one issuer", shown(url));
  if (secret !== undefined) {
    const bytes = new TextEncoder().encode(secret).byteLength;
    if (bytes >= SECRET_BYTES_MIN) return { kind: "secret", secret };
    reader.fault(
      "TOKEN_HMAC_SECRET",
      `at least ${SECRET_BYTES_MIN} bytes, such as openssl rand -base64 48 prints`,
      `${bytes} bytes (not shown)`,
    );
    return undefined;
  }
  return url === undefined ? undefined : readUrl(reader, url);
}

/** Keys that come over plain http could be anybody's. */
function readUrl(reader: EnvironmentReader, text: string): TokenKey | undefined {
  const url = URL.parse(text);
  const isSafe =
    url?.protocol === "https:" ||
    (url?.protocol === "http:" && isLoopback(url.hostname.replace(/^\[|\]$/g, "")));
  if (isSafe) return { kind: "published", url: text };
  reader.fault("TOKEN_JWKS_URL", "a URL that begins with https:// (http:// on loopback alone)", shown(text));
  return undefined;
}
