import type { BarsPage, BarsQuery, KnownSymbol } from "../protocol/mod.ts";
import type { CallOptions, Unavailable } from "./calls.ts";
import type { UnknownSymbol } from "./refusals.ts";

export type BarsOutcome = { readonly kind: "found"; readonly page: BarsPage } | UnknownSymbol | Unavailable;

/** Bars of any range. */
export interface BarReads {
  bars(query: BarsQuery, options: CallOptions): BarsOutcome | Promise<BarsOutcome>;
}

/** What this server knows. */
export interface SymbolReads {
  symbols(): readonly KnownSymbol[] | Unavailable;
}
