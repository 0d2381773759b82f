/** Binance spot. */
export { Binance, type BinanceOptions, type BinanceUsage } from "./binance.ts";
export { MalformedAnswer, RequestFailure } from "./failures.ts";
export type { Fetch } from "./rest-client.ts";
export type { ConnectionLimits } from "./stream-group.ts";
export type { CreateSocket } from "./stream-socket.ts";
