import { afterEach, beforeEach, expect, test } from "bun:test";
import { ANSWER_BYTES_MAX, type PostOutcome, post } from "../../src/webhook/post.ts";
import { Receiver } from "./receiver.ts";

let receiver: Receiver;
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(() => receiver.stop());

const LOOPBACK = [{ address: "127.0.0.1", family: 4 }] as const;

function send(url: string, signal: AbortSignal = AbortSignal.timeout(20_000)): Promise<PostOutcome> {
  const headers = { "content-type": "application/json" };
  return post({ url: new URL(url), addresses: LOOPBACK, headers, body: '{"é":1}', signal });
}

test("post(), connects to the checked address and names the host that was asked for", async () => {
  const port = new URL(receiver.url).port;
  // No resolver knows this name: only the given address can have been used.
  expect(await send(`http://receiver.invalid:${port}/hook?x=1`)).toEqual({
    kind: "answered",
    status: 204,
    retryAfter: undefined,
  });
  expect(receiver.received).toMatchObject([
    {
      path: "/hook?x=1",
      body: '{"é":1}',
      headers: { host: `receiver.invalid:${port}`, "content-length": "8" },
    },
  ]);
});

test("post(), does not follow redirects", async () => {
  receiver.answer = (response) => response.writeHead(302, { location: "/elsewhere" }).end();
  expect(await send(receiver.url)).toMatchObject({ kind: "answered", status: 302 });
  expect(receiver.received).toHaveLength(1);
});

test("post(), an answer without end is cut off", async () => {
  let closed = false;
  receiver.answer = (response) => {
    response.writeHead(200, { "retry-after": "7" });
    const timer = setInterval(() => response.write(Buffer.alloc(ANSWER_BYTES_MAX)), 1);
    response.once("close", () => {
      clearInterval(timer);
      closed = true;
    });
  };
  expect(await send(receiver.url)).toEqual({ kind: "answered", status: 200, retryAfter: "7" });
  while (!closed) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("post(), a receiver that says nothing is given up with the signal's reason", async () => {
  receiver.answer = () => {};
  const late = new AbortController();
  const outcome = send(receiver.url, late.signal);
  while (receiver.received.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  late.abort(new Error("no answer within 10 s"));
  expect(await outcome).toEqual({ kind: "failed", reason: "no answer within 10 s" });
});

test("post(), a connection that is refused is a failure", async () => {
  const { url } = receiver;
  await receiver.stop();
  expect((await send(url)).kind).toBe("failed");
  receiver = await Receiver.start();
});
