/** Server-side push: channels, their subscribers, and one session per connection. Knows nothing of sockets but their port. */
export {
  type Authorization,
  type Authorizer,
  acceptEverybody,
  type ChannelAuthorization,
  type Rejected,
} from "./authorize.ts";
export { PushHub, type PushHubOptions, type PushStats } from "./hub.ts";
export { MemberLog } from "./member-log.ts";
export type { PushSocket } from "./outbox.ts";
export { PUSH_LIMITS, type PushLimits } from "./push-limits.ts";
export type { RpcHandler } from "./rpc-desk.ts";
export type { PushSession } from "./session.ts";
export type {
  ChannelResolver,
  ChannelSource,
  ConflatedSource,
  ConflatedState,
  LargeField,
  LosslessSource,
  Resolution,
  StreamEvent,
  StreamPosition,
} from "./sources.ts";
export type { PushTimers } from "./timers.ts";
