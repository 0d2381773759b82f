import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { PUSH_LIMITS } from "../../src/push/mod.ts";
import { seededRandom } from "../support/trades.ts";
import { makeHub, type Peer, settle } from "./fakes.ts";
import { hostileFrame, isObject } from "./fuzz/hostile-frames.ts";

const FRAMES = 100_000;
/** Frames of one connection, at most; most are closed long before. */
const FRAMES_A_CONNECTION = 40;
const TIMEOUT_MS = 300_000;
const SEED = Number(process.env["FUZZ_SEED"] ?? 20_260_102);
/** Objects that live at the end and did not after a fifth of the frames: what a leak of one object per 100 frames would add. */
const OBJECTS_GROWTH_MAX = FRAMES / 100;

/** What a message must bring about: a close, or one reply to each id. */
type Due = { readonly kind: "close" } | { readonly kind: "replies"; readonly ids: readonly number[] };

/** The rule of the protocol in its plainest form, beside the code that is tested. */
function dueOf(text: string | undefined): Due {
  if (text === undefined || text.length > PUSH_LIMITS.frameCharsMax) return { kind: "close" };
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (lines.length === 0 || lines.length > PUSH_LIMITS.commandsPerMessageMax) return { kind: "close" };
  const ids: number[] = [];
  for (const line of lines) {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return { kind: "close" };
    }
    if (!isObject(value)) return { kind: "close" };
    if (Object.keys(value).length === 0 || Object.hasOwn(value, "send")) continue;
    const id = Object.hasOwn(value, "id") ? value["id"] : undefined;
    if (typeof id !== "number" || !Number.isInteger(id) || id < 1 || id > 4_294_967_295)
      return { kind: "close" };
    ids.push(id);
  }
  return { kind: "replies", ids };
}

test(
  `PushSession, ${FRAMES} hostile frames: each is answered by its replies or a close, nothing breaks and nothing stays`,
  async () => {
    const random = seededRandom(SEED);
    const { hub, timers, errors, peer } = makeHub({
      resolve: (channel) =>
        channel.kind === "levels"
          ? {
              kind: "source",
              source: { kind: "conflated", current: () => ({ revision: 1, fields: { levels: { POC: 1 } } }) },
            }
          : {
              kind: "source",
              source: {
                kind: "lossless",
                position: () => ({ epoch: "e", offset: 5 }),
                history: (since, limit) =>
                  [1, 2, 3, 4, 5]
                    .filter((offset) => offset > since)
                    .slice(0, limit)
                    .map((offset) => ({ offset, data: { offset } })),
              },
            },
      rpc: (request) =>
        request.method === "GET"
          ? Response.json({ asked: request.url })
          : Response.json({ type: "/problems/x", title: "no", status: 409, detail: "no" }, { status: 409 }),
      limits: { commandsInFlightMax: 1_000_000, commandsBurst: 1_000_000_000 },
    });
    const wrong: string[] = [];
    const seen = new Map<string, number>();
    const closes = new Map<number, number>();
    let open: Peer | undefined;
    let connected = false;
    let frames = 0;
    let objectsEarly = 0;

    for (let n = 0; n < FRAMES && wrong.length < 5; n++) {
      if (open === undefined || frames++ === FRAMES_A_CONNECTION) {
        open?.session.closed();
        open = peer();
        frames = 0;
        connected = false;
        if (random() < 0.8) {
          open.send({ id: 1, connect: {} });
          await settle();
          open.socket.received();
          connected = true;
        }
      }
      const frame = hostileFrame(random);
      seen.set(frame.kind, (seen.get(frame.kind) ?? 0) + 1);
      open.session.message(frame.text);
      await settle();
      const replies = open.socket.received();
      const { closed } = open.socket;
      const due = dueOf(frame.text);
      const fault = faultOf(frame.closes ? { kind: "close" } : due, closed?.code, replies, connected);
      if (fault !== undefined)
        wrong.push(`seed ${SEED}, frame ${n} (${frame.kind}), ${fault}: ${frame.text?.slice(0, 300)}`);
      connected ||= replies.some((reply) => reply.connect !== undefined);
      if (closed !== undefined) {
        closes.set(closed.code, (closes.get(closed.code) ?? 0) + 1);
        open = undefined;
      }
      if (n === FRAMES / 5) objectsEarly = liveObjects();
    }
    open?.session.closed();
    await settle();

    expect(wrong).toEqual([]);
    expect(errors).toEqual([]);
    expect(hub.stats()).toEqual({ connections: 0, subscriptions: 0, outboxBytes: 0 });
    expect(timers.pending).toBe(0);
    expect(liveObjects() - objectsEarly).toBeLessThan(OBJECTS_GROWTH_MAX);
    // Every kind came, and each way to close was seen.
    expect(Math.min(...seen.values())).toBeGreaterThan(FRAMES / 100);
    expect([...closes.keys()].sort()).toEqual([3501, 3506]);
  },
  TIMEOUT_MS,
);

/** What is wrong with an answer; undefined when nothing is. A command before connect closes too. */
function faultOf(
  due: Due,
  closed: number | undefined,
  replies: readonly { readonly id?: number | undefined; readonly error?: unknown }[],
  connected: boolean,
): string | undefined {
  if (due.kind === "close") return closed === undefined ? "was not closed" : undefined;
  if (closed !== undefined)
    return connected || closed !== 3501 ? `was closed with ${closed}, for no reason` : undefined;
  const answered = replies.flatMap(({ id }) => (id === undefined ? [] : [id])).sort((a, b) => a - b);
  const wanted = [...due.ids].sort((a, b) => a - b);
  return answered.join() === wanted.join() ? undefined : `was answered ${answered}, due were ${wanted}`;
}

function liveObjects(): number {
  Bun.gc(true);
  return heapStats().objectCount;
}
