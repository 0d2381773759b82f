/**
 * Whether a page may open a socket to us. Browsers let any page open a WebSocket to any host and name the page's origin, so this is the
 * only thing that keeps a foreign page from reading through its visitor. Clients that are no browsers send no origin and pass; a
 * page that we served ourselves (its origin is the host that was asked) passes; others must be listed, or the list hold `*`.
 */
export function originAllowed(request: Request, allowedOrigins: readonly string[] = []): boolean {
  const origin = request.headers.get("origin");
  if (origin === null) return true;
  if (allowedOrigins.includes("*") || allowedOrigins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.get("host");
}
