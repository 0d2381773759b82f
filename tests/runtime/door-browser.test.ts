import { afterEach, expect } from "bun:test";
import type { Page } from "playwright-core";
import { testWithChromium } from "../support/chromium.ts";
import { type Served, serve, World } from "./push-fixture.ts";

/** The guards of the door, with a browser that says itself who it asks for and who it asks on behalf of. */
const TIMEOUT_MS = 180_000;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function open(): Served {
  const served = serve(new World(), { loopbackNamesOnly: true });
  closing.push(() => served.stop());
  return served;
}

/** A page of another origin, with nothing on it. */
function foreignPage(): string {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response("<!doctype html>", { headers: { "content-type": "text/html" } }),
  });
  closing.push(() => server.stop(true));
  return server.url.href;
}

/** Whether a page gets a socket to an address. */
function opensSocket(page: Page, url: string): Promise<boolean> {
  return page.evaluate(
    (address) =>
      new Promise<boolean>((resolve) => {
        const socket = new WebSocket(address);
        socket.onopen = () => resolve(true);
        socket.onerror = () => resolve(false);
      }),
    `${url.replace("http", "ws")}/connection/websocket`,
  );
}

/** Status of a request of a page to an address; 0 when it may not know. */
function statusOf(page: Page, url: string, method: string): Promise<number> {
  const ask = async ([address, how]: readonly [string, string]) => {
    const answer = await fetch(address, { method: how, mode: "no-cors" });
    return answer.status;
  };
  return page.evaluate(ask, [url, method] as const);
}

testWithChromium(
  "listen() in Chromium, a name that points to loopback is refused: no answer, no change, no socket",
  async (browser) => {
    const served = open();
    // Browsers resolve names under localhost to loopback by themselves: as if somebody's name had been pointed there.
    const rebound = served.server.url.replace("127.0.0.1", "rebound.localhost");
    const page = await browser.newPage();
    const loaded = await page.goto(`${rebound}/page`);
    expect(loaded?.status()).toBe(421);
    expect(await statusOf(page, `${rebound}/levels`, "GET")).toBe(421);
    expect(await statusOf(page, `${rebound}/api`, "POST")).toBe(421);
    expect(await opensSocket(page, rebound)).toBe(false);
    expect(served.hub.stats().connections).toBe(0);
  },
  TIMEOUT_MS,
);

testWithChromium(
  "listen() in Chromium, a foreign page changes nothing and gets no socket; our own page does",
  async (browser) => {
    const served = open();
    const { url } = served.server;
    const foreign = await browser.newPage();
    await foreign.goto(foreignPage());
    const refused = foreign.waitForResponse((response) => response.url() === `${url}/api`);
    expect(await statusOf(foreign, `${url}/api`, "POST")).toBe(0);
    expect((await refused).status()).toBe(403);
    expect(await opensSocket(foreign, url)).toBe(false);
    const own = await browser.newPage();
    await own.goto(`${url}/page`);
    expect(await statusOf(own, `${url}/api`, "POST")).toBe(200);
    expect(await opensSocket(own, url)).toBe(true);
  },
  TIMEOUT_MS,
);
