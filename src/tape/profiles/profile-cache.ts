import { randomUUID } from "node:crypto";
import { open, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isMissing, makeDir, publish } from "../disk.ts";
import { safeSegment, TEMP_SUFFIX } from "../layout.ts";
import { messageOf, TapeError } from "../tape-error.ts";
import { decodeProfile, encodeProfile } from "./profile-encoding.ts";
import { PROFILE_SUFFIX, type ProfileFile, profileFiles, removeProfile } from "./profile-files.ts";
import type { ProfileKey, ProfileOrigin, SessionProfile } from "./session-profile.ts";

/** All profiles together; a liquid day's is about 0.5 MB. */
export const PROFILES_BYTES_MAX = 1_073_741_824;
/** Older ones go: more than the year that naked POCs look back. */
export const PROFILE_AGE_MS_MAX = 400 * 86_400_000;
/** A writer takes milliseconds: an unfinished file of this age has none. */
const UNFINISHED_AGE_MS_MAX = 600_000;

export type ProfileRead =
  | { readonly kind: "found"; readonly profile: SessionProfile }
  | { readonly kind: "missing" }
  /** It was made of other trades, or on another grid. */
  | { readonly kind: "stale"; readonly reason: string }
  | { readonly kind: "damaged"; readonly reason: string };

export interface ProfileStats {
  readonly files: number;
  readonly bytes: number;
  /** When the oldest and the newest were written, ms since the epoch; null without files. */
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
}

export interface ProfilesRemoved {
  readonly files: number;
  readonly bytes: number;
}

export interface ProfilesChecked {
  readonly files: number;
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
}

export interface ProfileCacheOptions {
  /** Made with its first file. Several processes may share it. */
  readonly dir: string;
  /** Milliseconds since the epoch, as files are dated by. */
  readonly nowMs: () => number;
  /** Default {@link PROFILES_BYTES_MAX}. */
  readonly bytesMax?: number;
}

/**
 * Profiles of finished sessions, a file each: `VENUE/MARKET/SYMBOL/SESSION.profile`. A cache and nothing more: a file that is not of
 * the asked trades, bit for bit, is not used, and every file can be removed at any time.
 */
export class ProfileCache {
  readonly dir: string;
  readonly #nowMs: () => number;
  readonly #bytesMax: number;

  constructor({ dir, nowMs, bytesMax = PROFILES_BYTES_MAX }: ProfileCacheOptions) {
    this.dir = dir;
    this.#nowMs = nowMs;
    this.#bytesMax = bytesMax;
  }

  /** The profile of a session, if it is of `origin`. Throws {@link TapeError} `read` when the disk cannot be read. */
  async read(key: ProfileKey, origin: ProfileOrigin): Promise<ProfileRead> {
    const path = profilePath(key);
    let bytes: Uint8Array;
    try {
      bytes = await readFile(join(this.dir, path));
    } catch (cause) {
      if (isMissing(cause)) return { kind: "missing" };
      throw new TapeError("read", `could not read the profile ${path}: ${messageOf(cause)}`, {
        paths: [path],
        cause,
      });
    }
    const decoded = decodeProfile(bytes);
    if (decoded.kind === "damaged") return decoded;
    const { profile } = decoded;
    if (profilePath(decoded.key) !== path) return { kind: "damaged", reason: "it is of another session" };
    const reason = differenceOf(profile, origin);
    return reason === undefined ? { kind: "found", profile } : { kind: "stale", reason };
  }

  /** Writes a profile in the place of a former one: whole and on the disk, or not at all. Answers its size. */
  async save(key: ProfileKey, profile: SessionProfile): Promise<number> {
    const path = profilePath(key);
    const target = join(this.dir, path);
    const temp = `${target}.${randomUUID()}${TEMP_SUFFIX}`;
    const bytes = encodeProfile(key, profile);
    try {
      await makeDir(dirname(target));
      const handle = await open(temp, "wx");
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await publish(temp, target);
      return bytes.length;
    } catch (cause) {
      // What cannot be removed now is swept later.
      await rm(temp, { force: true }).catch(() => undefined);
      throw new TapeError("write", `could not write the profile ${path}: ${messageOf(cause)}`, {
        paths: [path],
        cause,
      });
    }
  }

  async stats(): Promise<ProfileStats> {
    const files = (await this.#files()).filter(({ unfinished }) => !unfinished);
    const times = files.map(({ writtenMs }) => writtenMs).sort((a, b) => a - b);
    return {
      files: files.length,
      bytes: bytesOf(files),
      oldestMs: times[0] ?? null,
      newestMs: times.at(-1) ?? null,
    };
  }

  /** Reads every file and removes the damaged ones: they are made anew. */
  async verify(): Promise<ProfilesChecked> {
    const damaged: { path: string; reason: string }[] = [];
    let checked = 0;
    for (const file of await this.#files()) {
      if (file.unfinished) continue;
      const bytes = await readFile(join(this.dir, file.path)).catch(() => undefined);
      if (bytes === undefined) continue;
      checked++;
      const decoded = decodeProfile(bytes);
      const reason =
        decoded.kind === "damaged"
          ? decoded.reason
          : profilePath(decoded.key) === file.path
            ? undefined
            : "it is of another session";
      if (reason === undefined) continue;
      damaged.push({ path: file.path, reason });
      await removeProfile(this.dir, file);
    }
    return { files: checked, damaged };
  }

  /** Removes what is too old, what is beyond the bound on bytes (oldest first), and what killed writers have left. */
  async sweep(): Promise<ProfilesRemoved> {
    const nowMs = this.#nowMs();
    const files = (await this.#files()).toSorted((a, b) => b.writtenMs - a.writtenMs);
    const gone: ProfileFile[] = [];
    let kept = 0;
    for (const file of files) {
      const ageMs = nowMs - file.writtenMs;
      const old = ageMs > (file.unfinished ? UNFINISHED_AGE_MS_MAX : PROFILE_AGE_MS_MAX);
      if (old || kept + file.bytes > this.#bytesMax) gone.push(file);
      else kept += file.bytes;
    }
    return this.#remove(gone);
  }

  /** Removes every profile. */
  async clean(): Promise<ProfilesRemoved> {
    const oldEnough = (file: ProfileFile) =>
      !file.unfinished || this.#nowMs() - file.writtenMs > UNFINISHED_AGE_MS_MAX;
    return this.#remove((await this.#files()).filter(oldEnough));
  }

  async #files(): Promise<ProfileFile[]> {
    return Array.fromAsync(profileFiles(this.dir));
  }

  async #remove(files: readonly ProfileFile[]): Promise<ProfilesRemoved> {
    let bytes = 0;
    for (const file of files) bytes += await removeProfile(this.dir, file);
    return { files: files.length, bytes };
  }
}

/** `binance/spot/BTCUSDT/2026-01-02.profile`. */
function profilePath({ series, session }: ProfileKey): string {
  const folder = [series.venue, series.market, series.symbol].map(safeSegment).join("/");
  return `${folder}/${safeSegment(session)}${PROFILE_SUFFIX}`;
}

/** Why a profile is not of what is asked for. */
function differenceOf(profile: SessionProfile, origin: ProfileOrigin): string | undefined {
  const { range, scales, binUnits, digest } = profile;
  if (range.lo !== origin.range.lo || range.hi !== origin.range.hi)
    return "the hours of the session have changed";
  if (
    binUnits !== origin.binUnits ||
    scales.priceScale !== origin.scales.priceScale ||
    scales.sizeScale !== origin.scales.sizeScale
  )
    return "the scales or the bin size of the series have changed";
  return digest === origin.digest ? undefined : "the tape holds other trades of it by now";
}

function bytesOf(files: readonly ProfileFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}
