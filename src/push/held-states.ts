import { invariant } from "../core/mod.ts";
import { changedFields, publicationFrame, publicationJson } from "../protocol/mod.ts";
import type { ConflatedState, LargeField } from "./sources.ts";

/** A state as its holders share it. */
export interface HeldState {
  readonly revision: number;
  /** How often the store has begun anew (its revision fell); who holds a state of another era gets the whole set next. */
  readonly era: number;
  /** Undefined when so many newer ones were handed out since that it was given up: its holder gets the whole set next. */
  readonly fields: object | undefined;
}

interface Kept extends HeldState {
  fields: object | undefined;
}

/** Spellings of a channel's name whose frames are kept; beyond them a frame is put together for each reader. */
const NAMES_KEPT_MAX = 16;

/**
 * The states of a conflated channel that its members hold, and the frames from each of them to the newest. A frame is encoded once
 * for all who hold the same state, however many states are held, and at most `statesMax` of them keep their fields.
 */
export class HeldStates {
  readonly #statesMax: number;
  #era = 0;
  /** Those with fields, in the order they were handed out. */
  readonly #kept: Kept[] = [];
  #newest: { readonly state: ConflatedState; readonly held: Kept } | undefined;
  #newestJson: string | undefined;
  /** Frames to the newest state, by the fields they begin at; undefined: from nothing. */
  readonly #frames = new Map<object | undefined, FramesTo>();

  constructor(statesMax: number) {
    this.#statesMax = statesMax;
  }

  get newest(): HeldState | undefined {
    return this.#newest?.held;
  }

  /** The newest state whole, as JSON. */
  get newestJson(): string {
    const { revision, fields, large } = this.#newestState();
    this.#newestJson ??= withField(JSON.stringify({ ...fields, revision }), large, large?.whole());
    return this.#newestJson;
  }

  /** Makes a state the newest; whoever gets it, or a frame to it, holds the answer from then on. */
  renew(state: ConflatedState): HeldState {
    const { revision, fields } = state;
    if (this.#newest !== undefined && revision < this.#newest.held.revision) this.#era += 1;
    const held: Kept = { revision, era: this.#era, fields };
    this.#newest = { state, held };
    this.#newestJson = undefined;
    this.#frames.clear();
    this.#kept.push(held);
    if (this.#kept.length > this.#statesMax) this.#kept.shift()!.fields = undefined;
    return held;
  }

  /** Whether its holder has nothing to get. */
  isNewest(held: HeldState): boolean {
    return held.era === this.#era && held.revision === this.#newestState().revision;
  }

  /** The frame that brings whoever holds `held` to the newest state, under the name its client uses. */
  frameFrom(held: HeldState, name: string): string {
    const { revision } = held;
    const fields = held.era === this.#era ? held.fields : undefined;
    let frames = this.#frames.get(fields);
    if (frames === undefined) {
      frames = new FramesTo(this.#newestState(), fields && { revision, fields });
      this.#frames.set(fields, frames);
    }
    return frames.named(name);
  }

  #newestState(): ConflatedState {
    invariant(this.#newest !== undefined, "HeldStates: asked before there was a state");
    return this.#newest.state;
  }
}

/** The frame to a state, from another one or from nothing: encoded once, and put together for each name of the channel. */
class FramesTo {
  readonly #publication: string;
  readonly #byName = new Map<string, string>();

  constructor({ revision, fields, large }: ConflatedState, from: ConflatedState | undefined) {
    const members = from && large?.since(from.revision);
    const held = large === undefined || members !== undefined ? from : undefined;
    const changed = held === undefined ? fields : changedFields(held.fields, fields);
    const marks = { revision, previous_revision: held === undefined ? null : held.revision };
    const json = JSON.stringify({ ...changed, ...marks });
    const text = members === undefined ? large?.whole() : members === NO_MEMBERS ? undefined : members;
    this.#publication = publicationJson(withField(json, large, text));
  }

  named(name: string): string {
    const kept = this.#byName.get(name);
    if (kept !== undefined) return kept;
    const frame = publicationFrame(name, this.#publication);
    if (this.#byName.size < NAMES_KEPT_MAX) this.#byName.set(name, frame);
    return frame;
  }
}

const NO_MEMBERS = "{}";

/** The JSON of an object that has members, with one more whose text is there already. */
function withField(json: string, field: LargeField | undefined, text: string | undefined): string {
  if (field === undefined || text === undefined) return json;
  return `${json.slice(0, -1)},${JSON.stringify(field.name)}:${text}}`;
}
