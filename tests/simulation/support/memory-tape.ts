import type { TradeBatch } from "../../../src/core/mod.ts";
import { TapeError, type TapeFile, type WriteRequest } from "../../../src/tape/mod.ts";
import type { SimulatedProcess } from "./simulated-process.ts";
import type { World } from "./world.ts";

const WRITE_MAX_MS = 80;
const SLOW_WRITE_MAX_MS = 25_000;

/** The files of the tape, shared by all processes: whole or not there. */
export class MemoryTape {
  readonly files = new Map<string, TradeBatch>();
  #names = 0;

  write(
    world: World,
    process: SimulatedProcess,
    { series, batch, range }: WriteRequest,
  ): Promise<TapeFile[]> {
    const { promise, resolve, reject } = Promise.withResolvers<TapeFile[]>();
    const fails = world.chance(world.faults.tape);
    const most = world.chance(world.faults.tapeSlow) ? SLOW_WRITE_MAX_MS : WRITE_MAX_MS;
    world.scheduler.after(world.between(1, most), () =>
      process.deliver(() => {
        if (fails) return reject(new TapeError("full", "no space left on the device"));
        this.#names += 1;
        const path = `${series.symbol}/${range.lo}-${range.hi}-${this.#names}.parquet`;
        this.files.set(path, batch);
        const times = batch.timeUs.subarray(0, batch.length);
        resolve([
          {
            path,
            bytes: batch.length,
            sha256: "0".repeat(64),
            rows: batch.length,
            firstId: batch.id[0]!,
            lastId: batch.id[batch.length - 1]!,
            firstTimeUs: Math.min(...times),
            lastTimeUs: Math.max(...times),
          },
        ]);
      }),
    );
    return promise;
  }
}
