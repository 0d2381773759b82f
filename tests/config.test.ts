import { expect, test } from "bun:test";
import { ConfigError, readConfig } from "../src/config.ts";
import { PUSH_LIMITS } from "../src/push/mod.ts";

function faultsOf(env: Record<string, string>) {
  try {
    readConfig(env);
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown.faults;
    throw thrown;
  }
  throw new Error("the configuration was accepted");
}

test("readConfig(), an empty environment gives the documented defaults", () => {
  const { binChoice, ...config } = readConfig({ HOST: "", PORT: " " });
  expect(binChoice("BTCUSDT")).toEqual({ kind: "auto" });
  expect(config).toEqual({
    dataSource: "binance_ws",
    binance: { restUrl: "https://api.binance.com", wsUrl: "wss://stream.binance.com:9443" },
    symbols: [{ venue: "binance", symbol: "BTCUSDT" }],
    backfill: {
      enabled: true,
      previousDay: true,
      days: 2,
      timeoutSeconds: null,
      chunkMinutes: 10,
      parallel: 4,
      leaseMs: 15_000,
      profiles: true,
    },
    sessions: { initialBalanceMinutes: 60 },
    valueAreaMethod: "ranked",
    databaseUrl: null,
    dataDir: ".data",
    tapeDir: ".data/tape",
    host: "127.0.0.1",
    tokens: null,
    port: 8080,
    levelsIntervalMs: 100,
    push: { limits: pushLimits(), addressHeader: null },
    allowedOrigins: [],
    webhookAllowPrivate: false,
    logLevel: "info",
    clockOffsetMs: 0,
  });
});

/** What push is limited by where nothing is set, without what no variable sets. */
function pushLimits() {
  const { conflateMs, sourceMs, sendsPerTurn, laneMembersMax, laneDistanceMs, heldStatesMax, ...limits } =
    PUSH_LIMITS;
  return limits;
}

test("readConfig(), every limit of push has a variable of its own", () => {
  const names = new Set<string>();
  const watched = new Proxy<Record<string, string>>(
    {},
    {
      get(_, name) {
        if (String(name).startsWith("PUSH_") && name !== "PUSH_ADDRESS_HEADER") names.add(String(name));
        return undefined;
      },
    },
  );
  const byDefault = readConfig(watched).push.limits;
  expect(names.size).toBe(Object.keys(pushLimits()).length);
  const changed = [...names].map((name) => {
    // One of these is within the bounds of each, and none of them is a default.
    const value = [300, 1_100, 50_000, 2_000_000].find((each) => accepted({ [name]: String(each) })) ?? 0;
    const { limits } = readConfig({ [name]: String(value) }).push;
    const moved = Object.entries(limits).filter(([limit, each]) => Reflect.get(byDefault, limit) !== each);
    expect([name, moved.map(([, each]) => each)]).toEqual([name, [value]]);
    return moved[0]?.[0];
  });
  expect(new Set(changed).size).toBe(names.size);
});

function accepted(env: Record<string, string>): boolean {
  try {
    readConfig(env);
    return true;
  } catch {
    return false;
  }
}

test.each<[Record<string, string>, string[]]>([
  [{ PUSH_PING_MS: "5000" }, ["PUSH_PONG_MS"]],
  [{ PUSH_COMMANDS_BURST: "100" }, ["PUSH_COMMANDS_BURST"]],
  [{ PUSH_OUTBOX_BYTES_MAX: "65536" }, ["PUSH_RECOVER_CHARS_MAX", "PUSH_RPC_CHARS_MAX"]],
  [{ PUSH_ADDRESS_HEADER: "a b" }, ["PUSH_ADDRESS_HEADER"]],
  [{ PUSH_CONNECTIONS_MAX: "0" }, ["PUSH_CONNECTIONS_MAX"]],
])("readConfig(), refuses %j", (env, names) => {
  expect(faultsOf(env).map(({ name }) => name)).toEqual(names);
});

test("readConfig(), reads every variable", () => {
  const { binChoice, ...config } = readConfig({
    DATA_SOURCE: "sim",
    SYMBOLS: "btcusdt, ETHUSDT,binance:BTCUSDT",
    CONTEXT_BACKFILL_ENABLED: "false",
    CONTEXT_BOOTSTRAP_PREV_DAY: "0",
    BACKFILL_DAYS: "7",
    BACKFILL_TIMEOUT_SECONDS: "60",
    BACKFILL_CHUNK_MINUTES: "30",
    BACKFILL_PARALLEL: "2",
    BACKFILL_CACHE_ENABLED: "false",
    SESSION: "18:00-17:00 America/Chicago sun-thu",
    OPENING_RANGE: "5m-15m",
    INITIAL_BALANCE_MINUTES: "30",
    PROFILE_TICK_SIZE: "BTCUSDT=0.1",
    VALUE_AREA_METHOD: "two_row",
    DATABASE_URL: "postgres://u:p@localhost:5432/tapeline",
    DATA_DIR: "/var/tapeline/",
    HOST: "::",
    TOKEN_HMAC_SECRET: "0123456789abcdef0123456789abcdef",
    TOKEN_AUDIENCE: "tapeline",
    TOKEN_ISSUER: "https://id.example.com",
    PORT: "0",
    LEVELS_INTERVAL_MS: "250",
    PUSH_CONNECTIONS_MAX: "10000",
    PUSH_PING_MS: "20000",
    PUSH_ADDRESS_HEADER: "X-Real-IP",
    ALLOWED_ORIGINS: "https://desk.example.com, http://localhost:5173",
    LOG_LEVEL: "debug",
    CLOCK_OFFSET_MS: "-195000000000",
    BINANCE_REST_URL: "http://127.0.0.1:9000/",
    BINANCE_WS_URL: "ws://127.0.0.1:9000",
  });
  expect(binChoice("btcusdt")).toEqual({ kind: "size", text: "0.1" });
  expect(config).toEqual({
    dataSource: "sim",
    binance: { restUrl: "http://127.0.0.1:9000", wsUrl: "ws://127.0.0.1:9000" },
    symbols: [
      { venue: "binance", symbol: "BTCUSDT" },
      { venue: "binance", symbol: "ETHUSDT" },
    ],
    backfill: {
      enabled: false,
      previousDay: false,
      days: 7,
      timeoutSeconds: 60,
      chunkMinutes: 30,
      parallel: 2,
      leaseMs: 15_000,
      profiles: false,
    },
    sessions: {
      hours: {
        kind: "clock",
        start: "18:00",
        end: "17:00",
        zone: "America/Chicago",
        days: ["sun", "mon", "tue", "wed", "thu"],
      },
      openingRange: { kind: "offset", from: 5, to: 15 },
      initialBalanceMinutes: 30,
    },
    valueAreaMethod: "two_row",
    databaseUrl: "postgres://u:p@localhost:5432/tapeline",
    dataDir: "/var/tapeline/",
    tapeDir: "/var/tapeline/tape",
    host: "::",
    tokens: {
      key: { kind: "secret", secret: "0123456789abcdef0123456789abcdef" },
      audience: "tapeline",
      issuer: "https://id.example.com",
    },
    port: 0,
    levelsIntervalMs: 250,
    push: { limits: { ...pushLimits(), connectionsMax: 10_000, pingMs: 20_000 }, addressHeader: "x-real-ip" },
    allowedOrigins: ["https://desk.example.com", "http://localhost:5173"],
    webhookAllowPrivate: false,
    logLevel: "debug",
    clockOffsetMs: -195_000_000_000,
  });
});

test("readConfig(), lists every fault at once with its name, what was expected and what was found", () => {
  const wrong = {
    DATA_SOURCE: "csv",
    SYMBOLS: "BTC USDT",
    CONTEXT_BACKFILL_ENABLED: "maybe",
    CONTEXT_BOOTSTRAP_PREV_DAY: "2",
    BACKFILL_DAYS: "31",
    BACKFILL_TIMEOUT_SECONDS: "0",
    BACKFILL_CHUNK_MINUTES: "7",
    BACKFILL_PARALLEL: "1.5",
    BACKFILL_CACHE_ENABLED: "often",
    SESSION: "09:30-16:00 Mars/Olympus mon-fri",
    OPENING_RANGE: "eight",
    INITIAL_BALANCE_MINUTES: "0",
    PROFILE_TICK_SIZE: "BTCUSDT=-1",
    VALUE_AREA_METHOD: "mode",
    DATABASE_URL: "mysql://u:secret@localhost/x",
    HOST: "0.0.0.0/0",
    PORT: "65536",
    LEVELS_INTERVAL_MS: "1",
    ALLOWED_ORIGINS: "https://desk.example.com/page",
    LOG_LEVEL: "loud",
    CLOCK_OFFSET_MS: "soon",
    BINANCE_REST_URL: "ftp://x",
    BINANCE_WS_URL: "https://x",
    TOKEN_HMAC_SECRET: "hunter2",
  };
  const faults = faultsOf(wrong);
  expect(faults.map(({ name }) => name).sort()).toEqual(Object.keys(wrong).sort());
  const { message } = new ConfigError(faults);
  for (const { name, expected, got } of faults)
    expect(message).toContain(`${name}: expected ${expected}, got ${got}`);
  for (const secret of ["secret", "hunter2"]) expect(message).not.toContain(secret);
});

test("readConfig(), an opening range lies inside the session", () => {
  const SESSION = "09:30-16:00 America/New_York mon-fri";
  expect(faultsOf({ SESSION, OPENING_RANGE: "08:00-08:10" })).toEqual([
    {
      name: "OPENING_RANGE",
      expected: "times of day inside the session, the first before the second",
      got: '"08:00-08:10"',
    },
  ]);
  expect(readConfig({ SESSION }).sessions.openingRange).toBeUndefined();
  expect(faultsOf({ SESSION: "09:30" })).toMatchObject([{ name: "SESSION", got: '"09:30"' }]);
});

test("readConfig(), sim must be told where the simulator is", () => {
  expect(faultsOf({ DATA_SOURCE: "sim" }).map(({ name, got }) => [name, got])).toEqual([
    ["BINANCE_REST_URL", "nothing"],
    ["BINANCE_WS_URL", "nothing"],
  ]);
});

test("readConfig(), sources of later versions are refused as such", () => {
  for (const source of ["bybit", "hft_connector"])
    expect(faultsOf({ DATA_SOURCE: source })).toEqual([
      {
        name: "DATA_SOURCE",
        expected: "binance_ws or sim",
        got: `${source}, a source that this version does not speak to yet`,
      },
    ]);
});

test("readConfig(), symbols are 1 to 100 of the one venue", () => {
  expect(faultsOf({ SYMBOLS: "," })).toMatchObject([
    { name: "SYMBOLS", expected: "1 to 100 symbols", got: "0" },
  ]);
  const many = Array.from({ length: 101 }, (_, at) => `S${at}`).join(",");
  expect(faultsOf({ SYMBOLS: many })).toMatchObject([{ got: "101" }]);
  expect(faultsOf({ SYMBOLS: "kraken:XBTUSD" })).toMatchObject([
    { expected: "symbols of the venue binance" },
  ]);
});

test("readConfig(), a database URL that is none is not shown", () => {
  const [fault] = faultsOf({ DATABASE_URL: "hunter2" });
  expect(fault).toMatchObject({ name: "DATABASE_URL" });
  expect(fault?.got).not.toContain("hunter2");
});

test("readConfig(), every address of the loopback network is one", () => {
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
    expect(readConfig({ HOST: host }).host).toBe(host);
  expect(faultsOf({ HOST: "127.example.com" })).toHaveLength(1);
});

const SECRET = "0123456789abcdef0123456789abcdef";

test("readConfig(), another address than loopback takes a secret or published keys", () => {
  for (const host of ["0.0.0.0", "::", "192.168.1.7", "tape.example.com"]) {
    expect(faultsOf({ HOST: host })).toMatchObject([
      { name: "HOST", expected: expect.stringContaining("without TOKEN_HMAC_SECRET"), got: `"${host}"` },
    ]);
    expect(readConfig({ HOST: host, TOKEN_HMAC_SECRET: SECRET }).host).toBe(host);
    expect(readConfig({ HOST: host, TOKEN_JWKS_URL: "https://id.example.com/keys" }).host).toBe(host);
  }
});

test("readConfig(), a secret has 32 bytes, and a fault shows how many it has alone", () => {
  expect(readConfig({ TOKEN_HMAC_SECRET: SECRET }).tokens?.key).toEqual({ kind: "secret", secret: SECRET });
  // Its own fault is enough: HOST is what it would be with a good one.
  expect(faultsOf({ HOST: "0.0.0.0", TOKEN_HMAC_SECRET: SECRET.slice(1) })).toEqual([
    {
      name: "TOKEN_HMAC_SECRET",
      expected: "at least 32 bytes, such as openssl rand -base64 48 prints",
      got: "31 bytes (not shown)",
    },
  ]);
});

test("readConfig(), published keys come by https, or from this machine", () => {
  for (const url of ["https://id.example.com/keys", "http://127.0.0.1:9/keys", "http://[::1]:9/keys"])
    expect(readConfig({ TOKEN_JWKS_URL: url }).tokens?.key).toEqual({ kind: "published", url });
  for (const url of ["http://id.example.com/keys", "keys.json", "file:///keys.json", "http://127.evil.com/"])
    expect(faultsOf({ TOKEN_JWKS_URL: url }).map(({ name }) => name)).toEqual(["TOKEN_JWKS_URL"]);
});

test("readConfig(), tokens have one issuer, and without one nothing is asked of them", () => {
  const both = { TOKEN_HMAC_SECRET: SECRET, TOKEN_JWKS_URL: "https://id.example.com/keys" };
  expect(faultsOf(both).map(({ name }) => name)).toEqual(["TOKEN_JWKS_URL"]);
  const alone = { TOKEN_AUDIENCE: "tapeline", TOKEN_ISSUER: "https://id.example.com" };
  expect(faultsOf(alone).map(({ name }) => name)).toEqual(["TOKEN_AUDIENCE", "TOKEN_ISSUER"]);
});
