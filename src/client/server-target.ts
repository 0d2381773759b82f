/** A server's HTTP app in this process: anything with `fetch`. */
export interface FetchApp {
  fetch(request: Request): Response | Promise<Response>;
}

/** Where a server is: its base URL (`http://127.0.0.1:8080`), or its app in this process. `token`: for one that asks for it. */
export type ServerTarget = { readonly token?: string | undefined } & (
  | { readonly url: string; readonly app?: undefined }
  | { readonly app: FetchApp; readonly url?: undefined }
);

/** Requests to an app in this process need an address, and nobody resolves it. */
const APP_ORIGIN = "http://tapeline.invalid";

/** What a GET was answered. */
export interface Answer {
  readonly status: number;
  /** Undefined when it is not JSON. */
  readonly body: unknown;
}

/** How a message names the request. */
export function addressOf({ url }: ServerTarget, path: string): string {
  return url === undefined ? path : `${url.replace(/\/+$/, "")}${path}`;
}

/** Asks a server. Rejects when nothing answers, or with the signal's reason. */
export async function ask(target: ServerTarget, path: string, signal: AbortSignal): Promise<Answer> {
  const { token, app } = target;
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response =
    app === undefined
      ? await fetch(addressOf(target, path), { headers, signal })
      : await app.fetch(new Request(`${APP_ORIGIN}${path}`, { headers, signal }));
  const text = await response.text();
  return { status: response.status, body: parseJson(text) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
