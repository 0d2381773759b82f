import { messageOf, TapelineError } from "./tapeline-error.ts";

/** A WebSocket as the standard has it, as far as a JSON protocol needs it. */
export type WebSocketClass = new (url: string) => object;

/** Not written where it is imported, so that a bundle for browsers does not go looking for it. */
const PACKAGE: string = "ws";

/**
 * The WebSocket to connect with: the given one, else the platform's own, which browsers, Bun, Deno and Node from 22 on have, else
 * the one of the package `ws`.
 */
export async function webSocketClass(given: WebSocketClass | undefined): Promise<WebSocketClass> {
  if (given !== undefined) return given;
  if (typeof globalThis.WebSocket === "function") return globalThis.WebSocket;
  try {
    const found: unknown = await import(PACKAGE);
    if (typeof found === "object" && found !== null && "WebSocket" in found && isClass(found.WebSocket))
      return found.WebSocket;
    throw new TypeError("it has no WebSocket");
  } catch (thrown) {
    throw new TapelineError(
      "refused",
      `there is no WebSocket here (Node has one from 22 on), and the package "ws" does not help out: ${messageOf(thrown)}; ` +
        "install it, or pass { WebSocket }",
      { cause: thrown },
    );
  }
}

function isClass(value: unknown): value is WebSocketClass {
  return typeof value === "function";
}
