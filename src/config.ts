import { type ConfigFault, type Environment, EnvironmentReader, shown } from "./config/environment-reader.ts";
import { type PushSettings, readPushSettings } from "./config/push-settings.ts";
import { readSessionRules } from "./config/session-rules.ts";
import { readHost, readTokenSettings, type TokenSettings } from "./config/token-settings.ts";
import {
  type BinChoice,
  type CalendarRules,
  parseBinChoices,
  parseSymbolName,
  symbolName,
  VALUE_AREA_METHODS,
  type ValueAreaMethod,
} from "./core/mod.ts";

export type { ConfigFault, Environment };

/** Symbols that one server follows. */
export const SYMBOLS_MAX = 100;
/** Days of the start-up backfill, today included. */
export const BACKFILL_DAYS_MAX = 30;
/** A week, seconds. */
const TIMEOUT_SECONDS_MAX = 604_800;
const CHUNK_MINUTES_MAX = 1_440;
const PARALLEL_MAX = 32;
/** A chunk whose worker has died is left for so long, seconds. */
const LEASE_SECONDS_MAX = 600;
const PORT_MAX = 65_535;
/** Conflated pushes: not faster than a screen can use, not slower than once a minute, ms. */
const LEVELS_INTERVAL_MS_MIN = 10;
const LEVELS_INTERVAL_MS_MAX = 60_000;
/** A century, ms: enough to stand at any recorded day. */
const CLOCK_OFFSET_MS_MAX = 3_155_760_000_000;

export const DEFAULT_VENUE = "binance";
export const BINANCE_REST_URL = "https://api.binance.com";
export const BINANCE_WS_URL = "wss://stream.binance.com:9443";

export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Everything that the environment decides. */
export interface Config {
  /** `sim`: the same adapter as `binance_ws`, on a simulator's URLs. */
  readonly dataSource: "binance_ws" | "sim";
  readonly binance: { readonly restUrl: string; readonly wsUrl: string };
  /** Followed symbols, each once; the first is the default of `/levels`. */
  readonly symbols: readonly { readonly venue: string; readonly symbol: string }[];
  readonly backfill: {
    /** Whether the start-up backfill runs. */
    readonly enabled: boolean;
    /** Whether the start-up backfill reaches back before today. */
    readonly previousDay: boolean;
    /** Sessions of the start-up backfill, the running one included. */
    readonly days: number;
    /** Null: it takes as long as it takes. */
    readonly timeoutSeconds: number | null;
    readonly chunkMinutes: number;
    /** Chunks at the same time. */
    readonly parallel: number;
    /** How long a worker that gives no sign of life keeps its chunk. */
    readonly leaseMs: number;
    /** Whether profiles of finished sessions are kept as files. */
    readonly profiles: boolean;
  };
  /** When the sessions of every symbol are; a calendar can be made of them. */
  readonly sessions: CalendarRules;
  readonly binChoice: (symbol: string) => BinChoice;
  readonly valueAreaMethod: ValueAreaMethod;
  /** Null: the embedded database in the data directory. May hold a password. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  readonly tapeDir: string;
  readonly host: string;
  /** Null: nobody is asked for a token, and `host` is a loopback address. */
  readonly tokens: TokenSettings | null;
  /** 0: any free port. */
  readonly port: number;
  readonly levelsIntervalMs: number;
  readonly push: PushSettings;
  readonly allowedOrigins: readonly string[];
  /** Whether webhooks may go to private addresses and over plain http. */
  readonly webhookAllowPrivate: boolean;
  readonly logLevel: LogLevel;
  /** Added to the machine's clock. */
  readonly clockOffsetMs: number;
}

/** The environment cannot be used; every fault at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    const lines = faults.map(({ name, expected, got }) => `  ${name}: expected ${expected}, got ${got}`);
    super(
      `The configuration cannot be used (${faults.length === 1 ? "1 fault" : `${faults.length} faults`}):\n${lines.join("\n")}`,
    );
    this.faults = faults;
  }
}

/** Reads the configuration. An empty variable counts as not set. Throws {@link ConfigError} with every fault. */
export function readConfig(env: Environment): Config {
  const reader = new EnvironmentReader(env);
  const dataSource = readDataSource(reader);
  const simulated = dataSource === "sim";
  const dataDir = reader.text("DATA_DIR", ".data");
  const config: Config = {
    dataSource,
    binance: {
      restUrl: reader.url("BINANCE_REST_URL", ["https:", "http:"], simulated ? null : BINANCE_REST_URL),
      wsUrl: reader.url("BINANCE_WS_URL", ["wss:", "ws:"], simulated ? null : BINANCE_WS_URL),
    },
    symbols: readSymbols(reader),
    backfill: {
      enabled: reader.flag("CONTEXT_BACKFILL_ENABLED", true),
      previousDay: reader.flag("CONTEXT_BOOTSTRAP_PREV_DAY", true),
      days: reader.whole("BACKFILL_DAYS", { min: 1, max: BACKFILL_DAYS_MAX, fallback: 2 }),
      timeoutSeconds: reader.whole("BACKFILL_TIMEOUT_SECONDS", {
        min: 1,
        max: TIMEOUT_SECONDS_MAX,
        fallback: null,
      }),
      chunkMinutes: readChunkMinutes(reader),
      parallel: reader.whole("BACKFILL_PARALLEL", { min: 1, max: PARALLEL_MAX, fallback: 4 }),
      leaseMs:
        1_000 * reader.whole("BACKFILL_LEASE_SECONDS", { min: 1, max: LEASE_SECONDS_MAX, fallback: 15 }),
      profiles: reader.flag("BACKFILL_CACHE_ENABLED", true),
    },
    sessions: readSessionRules(reader),
    binChoice: readBinChoice(reader),
    valueAreaMethod: reader.oneOf("VALUE_AREA_METHOD", VALUE_AREA_METHODS, "ranked"),
    databaseUrl: readDatabaseUrl(reader),
    dataDir,
    tapeDir: reader.text("BACKFILL_CACHE_DIR", `${dataDir.replace(/(?<=.)\/+$/, "")}/tape`),
    host: readHost(reader),
    tokens: readTokenSettings(reader),
    port: reader.whole("PORT", { min: 0, max: PORT_MAX, fallback: 8080 }),
    levelsIntervalMs: reader.whole("LEVELS_INTERVAL_MS", {
      min: LEVELS_INTERVAL_MS_MIN,
      max: LEVELS_INTERVAL_MS_MAX,
      fallback: 100,
    }),
    push: readPushSettings(reader),
    allowedOrigins: readOrigins(reader),
    webhookAllowPrivate: reader.flag("WEBHOOK_ALLOW_PRIVATE", false),
    logLevel: reader.oneOf("LOG_LEVEL", LOG_LEVELS, "info"),
    clockOffsetMs: reader.whole("CLOCK_OFFSET_MS", {
      min: -CLOCK_OFFSET_MS_MAX,
      max: CLOCK_OFFSET_MS_MAX,
      fallback: 0,
    }),
  };
  if (reader.faults.length > 0) throw new ConfigError(reader.faults);
  return config;
}

function readDataSource(reader: EnvironmentReader): Config["dataSource"] {
  const value = reader.get("DATA_SOURCE") ?? "binance_ws";
  if (value === "binance_ws" || value === "sim") return value;
  const known = value === "bybit" || value === "hft_connector";
  reader.fault(
    "DATA_SOURCE",
    "binance_ws or sim",
    known ? `${value}, a source that this version does not speak to yet` : shown(value),
  );
  return "binance_ws";
}

function readSymbols(reader: EnvironmentReader): Config["symbols"] {
  const names = reader
    .text("SYMBOLS", "BTCUSDT")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const symbols = new Map<string, { venue: string; symbol: string }>();
  for (const name of names) {
    const symbol = parseSymbolName(name, DEFAULT_VENUE);
    if (symbol === undefined) reader.fault("SYMBOLS", "symbols such as BTCUSDT,ETHUSDT", shown(name));
    else if (symbol.venue !== DEFAULT_VENUE)
      reader.fault("SYMBOLS", `symbols of the venue ${DEFAULT_VENUE}`, shown(name));
    else symbols.set(symbolName(symbol), symbol);
  }
  if (names.length === 0 || symbols.size > SYMBOLS_MAX)
    reader.fault("SYMBOLS", `1 to ${SYMBOLS_MAX} symbols`, `${symbols.size}`);
  return [...symbols.values()];
}

function readChunkMinutes(reader: EnvironmentReader): number {
  const name = "BACKFILL_CHUNK_MINUTES";
  const minutes = reader.whole(name, { min: 1, max: CHUNK_MINUTES_MAX, fallback: 10 });
  if (CHUNK_MINUTES_MAX % minutes !== 0)
    reader.fault(name, "a divisor of the 1440 minutes of a day (5, 10, 15, 30, 60 …)", `${minutes}`);
  return minutes;
}

function readBinChoice(reader: EnvironmentReader): Config["binChoice"] {
  const value = reader.text("PROFILE_TICK_SIZE", "auto");
  try {
    return parseBinChoices(value);
  } catch {
    reader.fault(
      "PROFILE_TICK_SIZE",
      "auto, a size such as 0.1, or BTCUSDT=0.1,XRPETH=0.000001",
      shown(value),
    );
    return parseBinChoices("auto");
  }
}

/** The value may hold a password, so a fault shows its scheme alone. */
function readDatabaseUrl(reader: EnvironmentReader): string | null {
  const value = reader.get("DATABASE_URL");
  if (value === undefined) return null;
  const url = URL.parse(value);
  if (url !== null && ["postgres:", "postgresql:"].includes(url.protocol)) return value;
  reader.fault(
    "DATABASE_URL",
    "postgres://USER:PASSWORD@HOST:PORT/DATABASE, or nothing for the embedded database",
    url === null ? "no URL (not shown: it may hold a password)" : `a URL that begins with ${url.protocol}`,
  );
  return null;
}

function readOrigins(reader: EnvironmentReader): string[] {
  const origins = reader
    .text("ALLOWED_ORIGINS", "")
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => origin !== "");
  return origins.map((origin) => {
    const url = URL.parse(origin);
    const whole =
      url !== null &&
      ["http:", "https:"].includes(url.protocol) &&
      url.origin === origin.toLowerCase().replace(/\/$/, "");
    if (!whole)
      reader.fault(
        "ALLOWED_ORIGINS",
        "origins such as https://desk.example.com,http://localhost:5173",
        shown(origin),
      );
    return url?.origin ?? origin;
  });
}
