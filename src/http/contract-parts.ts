import type { AnswerContract } from "../contract/mod.ts";
import { type ProblemName, SymbolText } from "../protocol/mod.ts";

/** Parts that the contracts of many routes share. */

export const OF_SYMBOL = { symbol: SymbolText };

/** The symbol and the days of the examples. */
export const EXAMPLE_SYMBOL = "binance:BTCUSDT";
export const EXAMPLE_DAY = "2026-01-02";
export const EXAMPLE_DAY_BEFORE = "2026-01-01";

/** Of whatever asks another part of the server. */
export const ASKING: readonly ProblemName[] = ["unavailable", "deadline-exceeded"];

/** Of whatever reads the minutes of a symbol. */
export const READING: readonly ProblemName[] = ["symbol-not-found", ...ASKING];

/** Of windows, whose days may first have to be read from the tape. */
export const WINDOWS: readonly ProblemName[] = [...READING, "window-too-large", "loading"];

/** The answer of a route that says no more than that it is done. */
export const GONE: AnswerContract = { status: 204, about: "It is gone." };
