/** Every limit and interval of push, with its unit. */
export interface PushLimits {
  /** Shortest time between two conflated frames of a channel to one connection, ms. */
  readonly conflateMs: number;
  /** Bytes that wait for one connection before it is closed as slow. */
  readonly outboxBytesMax: number;
  /** Age of the oldest waiting lossless frame at which its connection is closed as slow, ms. */
  readonly outboxAgeMaxMs: number;
  readonly pingMs: number;
  readonly pongMs: number;
  /** A socket that has not sent its connect command by then is closed, ms. */
  readonly connectMs: number;
  /** What a client is given to come with a new token when the old one has ended, ms; then 3005, or 2501 for a subscription. */
  readonly expiredGraceMs: number;
  /** Patience with an injected operation (authorize, resolve, open, position, history), ms. */
  readonly sourceMs: number;
  readonly connectionsMax: number;
  /** Connections of one address, and of one of this machine's own. */
  readonly connectionsPerAddressMax: number;
  readonly connectionsPerLoopbackMax: number;
  /** Connections that nobody has connected by yet: their connect command has not come, or is being decided. */
  readonly unconnectedMax: number;
  readonly subscriptionsMax: number;
  /** Characters in one message of a client, and commands in it: the official client subscribes to all its channels with one. */
  readonly frameCharsMax: number;
  readonly commandsPerMessageMax: number;
  /** Commands of one connection: a second in the long run, and at once. Past it the connection is closed. */
  readonly commandsPerSecond: number;
  readonly commandsBurst: number;
  /** Commands of one connection that wait for an answer. */
  readonly commandsInFlightMax: number;
  /** Calls of one connection that wait for an answer, their time, ms, and the characters of an answer (below `outboxBytesMax`). */
  readonly rpcInFlightMax: number;
  readonly rpcMs: number;
  readonly rpcCharsMax: number;
  /** Events of a lossless channel kept in memory. */
  readonly ringEvents: number;
  /** Publications in one recovery or history reply: their number, and their characters (below `outboxBytesMax`). */
  readonly recoverEventsMax: number;
  readonly recoverCharsMax: number;
  /** Lossless channels without a subscriber whose recent events stay in memory. */
  readonly idleChannelsMax: number;
  /** Sends of one lossless channel in one turn of the event loop. */
  readonly sendsPerTurn: number;
  /** Members of a conflated channel that get their frames in one turn of the event loop. */
  readonly laneMembersMax: number;
  /** Least time between two such turns of a channel: about what one of them takes, ms. */
  readonly laneDistanceMs: number;
  /** States of a conflated channel from which frames are made; who holds an older one gets the whole set. */
  readonly heldStatesMax: number;
}

export const PUSH_LIMITS: PushLimits = {
  conflateMs: 100,
  outboxBytesMax: 1_048_576,
  outboxAgeMaxMs: 10_000,
  pingMs: 25_000,
  pongMs: 8_000,
  connectMs: 10_000,
  expiredGraceMs: 25_000, // as the protocol's own server gives
  sourceMs: 4_000, // the official client gives up on a command after 5 s
  connectionsMax: 20_000,
  connectionsPerAddressMax: 256,
  connectionsPerLoopbackMax: 20_000,
  unconnectedMax: 5_000,
  subscriptionsMax: 128,
  frameCharsMax: 65_536,
  commandsPerMessageMax: 200,
  commandsPerSecond: 100,
  commandsBurst: 500,
  commandsInFlightMax: 256,
  rpcInFlightMax: 8,
  rpcMs: 4_000,
  rpcCharsMax: 1_000_000,
  ringEvents: 1_000,
  recoverEventsMax: 10_000,
  recoverCharsMax: 1_000_000,
  idleChannelsMax: 64,
  sendsPerTurn: 100,
  laneMembersMax: 128,
  laneDistanceMs: 2,
  heldStatesMax: 256,
};
