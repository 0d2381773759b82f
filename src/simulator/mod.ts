/** A simulated exchange that speaks Binance's spot REST and WebSocket formats. */
export { type Candle, type Candles, createCandles } from "./candles.ts";
export { createExchange, type Exchange, type ExchangeOptions, type Handshake } from "./exchange.ts";
export type { FaultKind, FaultRule, FaultRuleInput } from "./fault-rule.ts";
export { FaultLimitError, type FaultState, type FaultSubject, type Faults } from "./faults.ts";
export type { Market, SymbolSpec } from "./market.ts";
export { createGeneratedMarket, type GeneratedMarketOptions } from "./market-generated.ts";
export {
  ArchiveFileError,
  createRecordedMarket,
  type RecordedMarketOptions,
  readRecordedMarket,
} from "./market-recorded.ts";
export { type MarketPreset, PRESETS, type PresetName, presetOf } from "./presets.ts";
export {
  parseRecording,
  type RecordedDigits,
  type RecordedFrame,
  type Recording,
  RecordingFileError,
  readRecording,
} from "./recording.ts";
export type { MinuteRequests, RequestLog, RequestSummary } from "./request-log.ts";
export type { SocketAction, SocketHandler, SocketState, StreamHub, StreamOptions } from "./stream-hub.ts";
export type { SocketPlan } from "./stream-name.ts";
export type { SimulatedSocket } from "./stream-session.ts";
export { systemTimers, type Timers } from "./timers.ts";
export type { WeightOptions } from "./weights.ts";
