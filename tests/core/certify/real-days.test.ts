import { expect } from "bun:test";
import { EQUITY_FILES, equityDay, XRPETH_DAY, xrpethDay } from "../../../scripts/bench/certify-day.ts";
import { testWithData } from "../../support/shared-data.ts";
import { certifiedShare } from "./no-falsehood.ts";

const CHUNK_MINUTES = 10;
const TIMEOUT_MS = 60_000;

/** Shares of a day's trades at which its POC must be certain. Measured: 27 %, and 32 % as the median of all days. */
const XRPETH_SHARE_MAX = 0.34;
const EQUITY_MEDIAN_MAX = 0.38;

testWithData(
  [XRPETH_DAY],
  "certifyOrder(), the XRPETH day: nothing false after any commit, POC certain early",
  ([path]) => expect(certifiedShare(xrpethDay(path!), CHUNK_MINUTES)).toBeLessThanOrEqual(XRPETH_SHARE_MAX),
);

testWithData(
  EQUITY_FILES.map(([, file]) => file),
  "certifyOrder(), 13 days of stocks: nothing false after any commit, POC certain early",
  (paths) => {
    const shares = paths.map((path) => certifiedShare(equityDay(path), CHUNK_MINUTES)).sort((a, b) => a - b);
    expect(shares[(shares.length - 1) / 2]).toBeLessThanOrEqual(EQUITY_MEDIAN_MAX);
  },
  TIMEOUT_MS,
);
