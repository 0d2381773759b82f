import { isLoopback } from "./loopback.ts";
import { originAllowed } from "./origin.ts";
import { plainProblem } from "./plain-problem.ts";

export interface DoorOptions {
  /** Origins of pages that may use the server, beside its own; absent: none. */
  readonly allowedOrigins?: readonly string[];
  /** Whether only requests are let in that name this machine, or the host of an allowed origin, as who they are for. Default false. */
  readonly loopbackNamesOnly?: boolean;
}

/** Methods that change nothing. */
const SAFE_METHODS: readonly string[] = ["GET", "HEAD", "OPTIONS"];

/**
 * Refuses what no client of ours sends, before anything looks at the request; undefined lets it in.
 *
 * A server that asks for no token trusts whoever reaches it, and it listens on loopback only. A browser reaches loopback too: a page can
 * have its own name point to 127.0.0.1 and is then of one origin with us (DNS rebinding). But the request names that host. And a page of
 * any origin can send a request that changes something without reading the answer; the browser names its origin.
 */
export function refusedAtTheDoor(request: Request, options: DoorOptions): Response | undefined {
  const { allowedOrigins = [], loopbackNamesOnly = false } = options;
  if (!URL.canParse(request.url)) return plainProblem(400, "Bad request", NO_HOST);
  if (loopbackNamesOnly && !hostAllowed(request.headers.get("host"), allowedOrigins))
    return plainProblem(421, "Misdirected request", HOST_HELP);
  if (!SAFE_METHODS.includes(request.method) && !originAllowed(request, allowedOrigins))
    return plainProblem(403, "Origin not allowed", ORIGIN_HELP);
  return undefined;
}

const NO_HOST = "The request names no host that it is for.";
const HOST_HELP =
  "Without TOKEN_HMAC_SECRET or TOKEN_JWKS_URL this server answers as localhost, 127.x or [::1], and as the hosts of ALLOWED_ORIGINS.";
const ORIGIN_HELP = "The page that sent this request is neither ours nor listed in ALLOWED_ORIGINS.";

function hostAllowed(header: string | null, allowedOrigins: readonly string[]): boolean {
  const host = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(header ?? "")?.[1]?.toLowerCase();
  if (host === undefined) return false;
  if (isLoopback(host.replace(/^\[|\]$/g, ""))) return true;
  return allowedOrigins.some((origin) => URL.parse(origin)?.hostname === host);
}
