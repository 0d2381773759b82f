import { expect } from "bun:test";
import * as v from "valibot";
import { OperationFailure } from "../../../src/core/mod.ts";
import { KlinePage } from "../../../src/venues/binance/messages.ts";
import { RequestBudget } from "../../../src/venues/binance/request-budget.ts";
import { RestClient } from "../../../src/venues/binance/rest-client.ts";
import { klinesEndpoint } from "../../../src/venues/binance/urls.ts";
import { instantTurns } from "../../support/fake-clock.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { recordedTest, recordedText } from "../support/recordings.ts";

const Entries = v.array(
  v.object({
    id: v.string(),
    http_status: v.union([v.number(), v.string(), v.null()]),
    headers: v.record(v.string(), v.string()),
    body: v.string(),
  }),
);

/** Before every ban of the recordings ends. */
const NOW = 1_659_000_020_000;

/** What each entry must become: kind, and ms to wait where the answer names them. */
const EXPECTED: Record<string, [kind: string, waitMs?: number]> = {
  "binance-418-weight-spot": ["banned", 1_785_050_129_644 - NOW],
  "binance-418-usdm-ip": ["banned", 1_780_765_249_479 - NOW],
  "binance-418-usdm-ip-2": ["banned", 1_721_393_459_728 - NOW],
  "binance-wsapi-418": ["banned", 1_659_146_400_000 - NOW],
  "binance-451": ["permanent"],
  "cloudfront-403-klines": ["throttled", 300_000],
  "cloudfront-503-rps": ["transient"],
  "nginx-502": ["transient"],
  "ws-handshake-502": ["transient"],
  "binance-1127-24h": ["permanent"],
  "binance-1127-1h": ["permanent"],
  "binance-1100": ["permanent"],
  "binance-1121": ["permanent"],
  "binance-200-headers": ["answer"],
  "binance-ws-1008": ["transient"],
  "bybit-10006": ["transient"],
  "okx-50011": ["throttled", 40_200],
  "kraken-toomany": ["transient"],
};

recordedTest("RestClient.get() gives every recorded answer its kind of failure", async () => {
  const entries = v.parse(Entries, JSON.parse(recordedText("errors/recorded_errors.json")));
  const seen: Record<string, [kind: string, waitMs?: number]> = {};
  for (const entry of entries) {
    const clock = new ManualClock(NOW);
    const budget = new RequestBudget({ clock });
    const status = Number.parseInt(String(entry.http_status ?? 200), 10);
    const client = new RestClient({
      baseUrl: "http://recorded",
      budget,
      timers: clock,
      random: () => 0,
      attempts: 1,
      turns: instantTurns(),
      fetch: async () => new Response(entry.body, { status, headers: headersOf(entry.headers) }),
    });
    const signal = new AbortController().signal;
    try {
      await client.get(klinesEndpoint("BTCUSDT", 0, 1), KlinePage, { signal });
      seen[entry.id] = ["answer"];
      expect(budget.used).toBe(22);
    } catch (thrown) {
      if (!(thrown instanceof OperationFailure)) throw thrown;
      seen[entry.id] = thrown.retryAfterMs === undefined ? [thrown.kind] : [thrown.kind, thrown.retryAfterMs];
      expect(thrown.message).toStartWith("GET /api/v3/klines?");
      expect(budget.banMsLeft > 0).toBe(thrown.kind === "banned");
    }
  }
  expect(seen).toEqual(EXPECTED);
});

/** The recorded body stands unpacked, so how it travelled is left out. */
function headersOf(recorded: Readonly<Record<string, string>>): Record<string, string> {
  const kept = Object.entries(recorded).filter(([name]) => !/^content-(encoding|length)$/i.test(name));
  return Object.fromEntries(kept);
}
