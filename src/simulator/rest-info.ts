import * as v from "valibot";
import type { Listing, Listings } from "./listing.ts";
import { RefusedRequestError, type RestQuery } from "./rest-query.ts";
import { decimalText } from "./wire-text.ts";

export const EXCHANGE_INFO_PARAMETERS = ["symbol", "symbols"];
const symbolsSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(500)),
);

/** `GET /api/v3/exchangeInfo` for one symbol, some or all. */
export function exchangeInfoBody(
  query: RestQuery,
  listings: Listings,
  serverTimeMs: number,
  weightLimit: number,
): string {
  const wanted = wantedSymbols(query);
  const symbols =
    wanted === undefined ? [...listings.values()] : wanted.map((name) => listed(listings, name));
  return JSON.stringify({
    timezone: "UTC",
    serverTime: serverTimeMs,
    rateLimits: [
      { rateLimitType: "REQUEST_WEIGHT", interval: "MINUTE", intervalNum: 1, limit: weightLimit },
      { rateLimitType: "RAW_REQUESTS", interval: "MINUTE", intervalNum: 5, limit: 61_000 },
    ],
    exchangeFilters: [],
    symbols: symbols.map(symbolInfo),
  });
}

/** The listing of a symbol. Throws {@link RefusedRequestError}. */
export function listed(listings: Listings, symbol: string): Listing {
  const listing = listings.get(symbol);
  if (listing === undefined) throw new RefusedRequestError(-1121, "Invalid symbol.");
  return listing;
}

function wantedSymbols(query: RestQuery): readonly string[] | undefined {
  const list = query.text("symbols");
  const one = query.text("symbol");
  if (list !== undefined && one !== undefined)
    throw new RefusedRequestError(-1128, "Combination of optional parameters invalid.");
  if (one !== undefined) return [query.symbol()];
  if (list === undefined) return undefined;
  const parsed = v.safeParse(symbolsSchema, list);
  if (!parsed.success)
    throw new RefusedRequestError(
      -1100,
      `Illegal characters found in parameter 'symbols'; legal range is '^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\\]$'.`,
    );
  return parsed.output;
}

function symbolInfo({ market }: Listing) {
  const { symbol, baseAsset, quoteAsset, scales, tickUnits, lotUnits } = market.spec;
  const tickSize = decimalText(tickUnits, scales.priceScale);
  const stepSize = decimalText(lotUnits, scales.sizeScale);
  return {
    symbol,
    status: "TRADING",
    baseAsset,
    baseAssetPrecision: 8,
    quoteAsset,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    orderTypes: ["LIMIT", "MARKET"],
    icebergAllowed: true,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: [
      { filterType: "PRICE_FILTER", minPrice: tickSize, maxPrice: "1000000.00000000", tickSize },
      { filterType: "LOT_SIZE", minQty: stepSize, maxQty: "900000000.00000000", stepSize },
      { filterType: "NOTIONAL", minNotional: "5.00000000", applyMinToMarket: true, avgPriceMins: 5 },
    ],
    permissions: [],
    permissionSets: [["SPOT"]],
  };
}
