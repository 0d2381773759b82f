import { expect, test } from "bun:test";
import { type PastPoc, pocVerdict, type RowTouches } from "../../src/core/mod.ts";

const past = (certainty: PastPoc["certainty"], bounds?: readonly [number, number]): PastPoc => ({
  ...{ session: "a", end: 10, poc: 500, certainty },
  ...(bounds !== undefined && { bounds }),
});
const NONE: RowTouches = { poc: false, rows: "none" };
const SOME: RowTouches = { poc: false, rows: "some" };
const GUESSED: RowTouches = { poc: true, rows: "some" };
const ALL: RowTouches = { poc: true, rows: "all" };
const said = (of: PastPoc, touches: RowTouches, known: boolean) => {
  const { state, certainty, bounds } = pocVerdict(of, touches, known);
  return [state, certainty, ...(bounds === undefined ? [] : [bounds])];
};

test("pocVerdict(), a POC that is proven was touched, or is naked once every minute since is known", () => {
  for (const certainty of ["exact", "certain"] as const) {
    expect(said(past(certainty), NONE, true)).toEqual(["naked", certainty]);
    expect(said(past(certainty), NONE, false)).toEqual(["naked", "estimate"]);
    expect(said(past(certainty), ALL, true)).toEqual(["touched", certainty]);
    // A touch stays one whatever else comes.
    expect(said(past(certainty), ALL, false)).toEqual(["touched", certainty]);
  }
});

test("pocVerdict(), a bounded POC is proven only by all rows that it can be", () => {
  const bounded = past("bounded", [480, 520]);
  expect(said(bounded, NONE, true)).toEqual(["naked", "bounded", [480, 520]]);
  expect(said(bounded, NONE, false)).toEqual(["naked", "estimate"]);
  expect(said(bounded, SOME, true)).toEqual(["naked", "estimate"]);
  expect(said(bounded, GUESSED, true)).toEqual(["undecided", "estimate"]);
  expect(said(bounded, ALL, false)).toEqual(["touched", "bounded", [480, 520]]);
});

test("pocVerdict(), a POC that is an estimate is never proven to be anything", () => {
  expect(said(past("estimate"), NONE, true)).toEqual(["naked", "estimate"]);
  expect(said(past("estimate"), ALL, true)).toEqual(["undecided", "estimate"]);
});
