import type { Recording } from "./recording.ts";
import type { StreamSession } from "./stream-session.ts";
import type { Timers } from "./timers.ts";

export interface PlaybackOptions {
  readonly recording: Recording;
  /** Recorded seconds in one second; 0 plays as fast as the reader takes it. */
  readonly pace: number;
  readonly timers: Timers;
  readonly nowMs: () => number;
}

/** A recording on its way to one reader. */
export interface Playback {
  readonly played: number;
  readonly total: number;
  stop(): void;
}

/** Frames sent in one go, so that the event loop breathes. */
const FRAMES_PER_SLICE = 500;
/** Bytes waiting for the reader above which the playback waits too. */
const BUFFERED_BYTES_MAX = 1_048_576;
const SLICE_MS = 2;

/** Plays every frame of a recording to `session`, as it stands and in order, then leaves the socket open. */
export function startPlayback(session: StreamSession, options: PlaybackOptions): Playback {
  const { recording, pace, timers, nowMs } = options;
  const { frames } = recording;
  const startMs = frames[0]?.receivedMs ?? 0;
  let played = 0;
  const beganMs = nowMs();
  const stop = timers.every(SLICE_MS, () => {
    const dueMs = pace === 0 ? Number.POSITIVE_INFINITY : startMs + (nowMs() - beganMs) * pace;
    const sliceEnd = played + FRAMES_PER_SLICE;
    while (played < sliceEnd && session.socket.bufferedBytes() < BUFFERED_BYTES_MAX) {
      const frame = frames[played];
      if (frame === undefined) {
        stop();
        return;
      }
      if (frame.receivedMs > dueMs) return;
      session.sendRaw(frame.text);
      played++;
    }
  });
  return {
    get played() {
      return played;
    },
    total: frames.length,
    stop,
  };
}
