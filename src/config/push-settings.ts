import { PUSH_LIMITS, type PushLimits } from "../push/mod.ts";
import { type EnvironmentReader, shown } from "./environment-reader.ts";

/** Limits that are no settings of their own: how the work of one channel is cut up, and `LEVELS_INTERVAL_MS`. */
type Inner =
  | "conflateMs"
  | "sourceMs"
  | "sendsPerTurn"
  | "laneMembersMax"
  | "laneDistanceMs"
  | "heldStatesMax";

export interface PushSettings {
  readonly limits: Omit<PushLimits, Inner>;
  /** The header in which a proxy names the client's address; null: there is no proxy, the socket's address is the client's. */
  readonly addressHeader: string | null;
}

const HOUR_MS = 3_600_000;
const MIB = 1_048_576;
/** A socket is pinged more often than Bun and most proxies take it for dead, ms. */
const PING_MS_MAX = 60_000;

/** Everything that limits a push connection. */
export function readPushSettings(reader: EnvironmentReader): PushSettings {
  const whole = (name: string, min: number, max: number, fallback: number) =>
    reader.whole(name, { min, max, fallback });
  const by = PUSH_LIMITS;
  const limits: PushSettings["limits"] = {
    connectionsMax: whole("PUSH_CONNECTIONS_MAX", 1, 1_000_000, by.connectionsMax),
    connectionsPerAddressMax: whole(
      "PUSH_CONNECTIONS_PER_ADDRESS_MAX",
      1,
      1_000_000,
      by.connectionsPerAddressMax,
    ),
    connectionsPerLoopbackMax: whole(
      "PUSH_CONNECTIONS_PER_LOOPBACK_MAX",
      1,
      1_000_000,
      by.connectionsPerLoopbackMax,
    ),
    unconnectedMax: whole("PUSH_UNCONNECTED_MAX", 1, 1_000_000, by.unconnectedMax),
    connectMs: whole("PUSH_CONNECT_MS", 100, HOUR_MS, by.connectMs),
    expiredGraceMs: whole("PUSH_EXPIRED_GRACE_MS", 0, HOUR_MS, by.expiredGraceMs),
    pingMs: whole("PUSH_PING_MS", 1_000, PING_MS_MAX, by.pingMs),
    pongMs: whole("PUSH_PONG_MS", 100, PING_MS_MAX, by.pongMs),
    frameCharsMax: whole("PUSH_FRAME_CHARS_MAX", 1_024, MIB, by.frameCharsMax),
    commandsPerMessageMax: whole("PUSH_COMMANDS_PER_MESSAGE_MAX", 1, 10_000, by.commandsPerMessageMax),
    commandsPerSecond: whole("PUSH_COMMANDS_PER_SECOND", 1, 1_000_000, by.commandsPerSecond),
    commandsBurst: whole("PUSH_COMMANDS_BURST", 1, 1_000_000, by.commandsBurst),
    commandsInFlightMax: whole("PUSH_COMMANDS_IN_FLIGHT_MAX", 1, 100_000, by.commandsInFlightMax),
    subscriptionsMax: whole("PUSH_SUBSCRIPTIONS_MAX", 1, 10_000, by.subscriptionsMax),
    outboxBytesMax: whole("PUSH_OUTBOX_BYTES_MAX", 65_536, 256 * MIB, by.outboxBytesMax),
    outboxAgeMaxMs: whole("PUSH_OUTBOX_AGE_MS", 100, HOUR_MS, by.outboxAgeMaxMs),
    recoverEventsMax: whole("PUSH_RECOVER_EVENTS_MAX", 1, 1_000_000, by.recoverEventsMax),
    recoverCharsMax: whole("PUSH_RECOVER_CHARS_MAX", 1_024, 256 * MIB, by.recoverCharsMax),
    ringEvents: whole("PUSH_RING_EVENTS", 1, 1_000_000, by.ringEvents),
    idleChannelsMax: whole("PUSH_IDLE_CHANNELS_MAX", 0, 100_000, by.idleChannelsMax),
    rpcInFlightMax: whole("PUSH_RPC_IN_FLIGHT_MAX", 1, 1_000, by.rpcInFlightMax),
    rpcMs: whole("PUSH_RPC_MS", 100, HOUR_MS, by.rpcMs),
    rpcCharsMax: whole("PUSH_RPC_CHARS_MAX", 1_024, 256 * MIB, by.rpcCharsMax),
  };
  for (const [name, chars] of [
    ["PUSH_RECOVER_CHARS_MAX", limits.recoverCharsMax],
    ["PUSH_RPC_CHARS_MAX", limits.rpcCharsMax],
  ] as const)
    if (chars > limits.outboxBytesMax)
      reader.fault(name, `at most PUSH_OUTBOX_BYTES_MAX (${limits.outboxBytesMax})`, String(chars));
  if (limits.pongMs >= limits.pingMs)
    reader.fault("PUSH_PONG_MS", `less than PUSH_PING_MS (${limits.pingMs})`, String(limits.pongMs));
  if (limits.commandsBurst < limits.commandsPerMessageMax)
    reader.fault(
      "PUSH_COMMANDS_BURST",
      `at least PUSH_COMMANDS_PER_MESSAGE_MAX (${limits.commandsPerMessageMax})`,
      String(limits.commandsBurst),
    );
  return { limits, addressHeader: readAddressHeader(reader) };
}

function readAddressHeader(reader: EnvironmentReader): string | null {
  const name = reader.get("PUSH_ADDRESS_HEADER");
  if (name === undefined) return null;
  if (!/^[\w-]{1,64}$/.test(name))
    reader.fault("PUSH_ADDRESS_HEADER", "the name of a header such as X-Forwarded-For", shown(name));
  return name.toLowerCase();
}
