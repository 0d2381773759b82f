import { describe, expect, test } from "bun:test";
import { Outbox } from "../../src/push/outbox.ts";
import { FakeSocket, FakeTimers } from "./fakes.ts";

function makeOutbox() {
  const socket = new FakeSocket();
  const timers = new FakeTimers();
  const findings: string[] = [];
  let ready = 0;
  const outbox = new Outbox(socket, {
    timers,
    bytesMax: 1_000,
    ageMaxMs: 10_000,
    onOverflow: (finding) => findings.push(finding),
    onReady: () => ready++,
  });
  return { socket, timers, findings, outbox, readyCount: () => ready };
}

describe("Outbox", () => {
  test("send() keeps order across a pause of the reader", () => {
    const { socket, outbox, readyCount } = makeOutbox();
    outbox.send("a");
    socket.reading = false;
    for (const frame of ["b", "c", "d"]) outbox.send(frame);
    expect(socket.frames).toEqual(["a"]);
    socket.take();
    outbox.drained();
    expect(socket.frames.join("\n").split("\n")).toEqual(["a", "b", "c", "d"]);
    expect(readyCount()).toBe(1);
    expect(outbox.bytes).toBe(0);
  });

  test("offer() refuses while the reader is behind, and takes again after it", () => {
    const { socket, outbox } = makeOutbox();
    socket.reading = false;
    expect(outbox.offer("a")).toBe(true); // the socket keeps this one
    expect(outbox.offer("b")).toBe(false);
    outbox.drained(); // nothing was taken yet
    expect(outbox.offer("b")).toBe(false);
    socket.take();
    outbox.drained();
    expect(outbox.offer("c")).toBe(true);
    expect(socket.frames).toEqual(["a", "c"]);
  });

  test("release() sends its frame before what was held back, and nothing waited in vain", () => {
    const { socket, outbox, readyCount } = makeOutbox();
    outbox.send("a");
    outbox.hold();
    outbox.send("c");
    expect([outbox.offer("d"), socket.frames.length]).toEqual([false, 1]);
    outbox.release("b");
    expect(socket.frames.join("\n").split("\n")).toEqual(["a", "b", "c"]);
    expect([readyCount(), outbox.offer("d"), outbox.bytes]).toEqual([1, true, 0]);
  });

  test("what is held back keeps its place when the reader is behind too", () => {
    const { socket, outbox } = makeOutbox();
    socket.reading = false;
    for (const frame of ["a", "b"]) outbox.send(frame);
    outbox.hold();
    outbox.send("d");
    outbox.release("c");
    outbox.send("e");
    socket.take();
    outbox.drained();
    expect(socket.frames.join("\n").split("\n")).toEqual(["a", "b", "c", "d", "e"]);
  });

  test("a reader that catches up while frames are held back gets them with release()", async () => {
    const { socket, outbox, findings, timers } = makeOutbox();
    socket.reading = false;
    for (const frame of ["a", "b"]) outbox.send(frame);
    outbox.hold();
    outbox.send("d");
    socket.take();
    outbox.drained();
    expect(socket.frames).toEqual(["a"]);
    // The server takes its time; that is not the reader's fault.
    await timers.advance(20_000);
    outbox.release("c");
    expect(socket.frames.join("\n").split("\n")).toEqual(["a", "b", "c", "d"]);
    await timers.advance(20_000);
    expect([findings, timers.pending]).toEqual([[], 0]);
  });

  test("what is held back counts towards the byte limit", () => {
    const { outbox, findings } = makeOutbox();
    outbox.hold();
    for (let n = 0; n < 3; n++) outbox.send("x".repeat(400));
    expect(findings).toHaveLength(1);
    outbox.release("late");
  });

  test("send() overflows past the byte limit, the socket's own bytes included", () => {
    const { socket, outbox, findings } = makeOutbox();
    socket.reading = false;
    outbox.send("x".repeat(600));
    outbox.send("x".repeat(300));
    expect(findings).toEqual([]);
    outbox.send("x".repeat(200));
    expect(findings).toHaveLength(1);
    expect(outbox.bytes).toBeLessThanOrEqual(600);
    outbox.send("more");
    expect(findings).toHaveLength(1);
  });

  test("send() counts bytes, not characters", () => {
    const { socket, outbox, findings } = makeOutbox();
    socket.reading = false;
    outbox.send("a");
    outbox.send("€".repeat(400));
    expect(findings).toHaveLength(1);
  });

  test("a lossless frame that waits too long overflows, queued or kept by the socket", async () => {
    for (const queued of [true, false]) {
      const { socket, outbox, findings, timers } = makeOutbox();
      socket.reading = false;
      if (queued) outbox.offer("conflated");
      outbox.send("lossless");
      await timers.advance(9_999);
      expect(findings).toEqual([]);
      await timers.advance(1);
      expect(findings).toHaveLength(1);
    }
  });

  test("a conflated frame may wait for ever", async () => {
    const { socket, outbox, findings, timers } = makeOutbox();
    socket.reading = false;
    outbox.offer("conflated");
    await timers.advance(60_000);
    expect(findings).toEqual([]);
    expect(timers.pending).toBe(0);
  });

  test("the age is that of the oldest frame still waiting", async () => {
    const { socket, outbox, findings, timers } = makeOutbox();
    socket.reading = false;
    outbox.send("first");
    await timers.advance(8_000);
    outbox.send("second");
    socket.take();
    socket.reading = false;
    outbox.drained(); // "first" is through, the socket keeps "second"
    await timers.advance(9_999);
    expect(findings).toEqual([]);
    await timers.advance(1);
    expect(findings).toHaveLength(1);
  });

  test("a frame that the socket dropped overflows at once: a hole is worse than a close", () => {
    const { socket, outbox, findings } = makeOutbox();
    socket.dropping = true;
    outbox.send("a");
    expect(findings).toEqual(["the socket dropped a frame"]);
  });
});
