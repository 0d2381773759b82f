import { describeDatabases } from "../support/databases.ts";
import { candlesContract } from "./candles.contract.ts";
import { planningContract } from "./planning.contract.ts";

describeDatabases("candle chunks", candlesContract);
describeDatabases("planning in the background", planningContract);
