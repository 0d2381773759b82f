import { describe, expect, test } from "bun:test";
import { HeldStates } from "../../src/push/held-states.ts";

/** A state that counts how often it is encoded. */
function counted(revision: number, encodings: number[]) {
  const toJSON = () => {
    encodings.push(revision);
    return revision;
  };
  return { revision, fields: { symbol: "s", value: { toJSON } } };
}

describe("HeldStates", () => {
  test("a frame is encoded once for each state that is held, however many hold it and by however many names", () => {
    const encodings: number[] = [];
    const states = new HeldStates(100);
    const held = Array.from({ length: 50 }, (_, at) => states.renew(counted(at + 1, encodings)));
    states.renew(counted(51, encodings));
    for (let reader = 0; reader < 1_000; reader++) {
      const from = held[reader % 50]!;
      const name = `levels:${reader % 40}`;
      expect(states.frameFrom(from, name)).toBe(
        `{"push":{"channel":"${name}","pub":{"data":{"value":51,"revision":51,"previous_revision":${from.revision}}}}}`,
      );
    }
    expect(encodings).toEqual(new Array(50).fill(51));
  });

  test("a state that is too old gives its fields up, and its holder gets the whole set", () => {
    const states = new HeldStates(2);
    const [oldest, older] = [1, 2, 3].map((n) => states.renew({ revision: n, fields: { n, same: true } }));
    expect(oldest!.fields).toBeUndefined();
    expect(states.frameFrom(oldest!, "c")).toContain(
      '{"n":3,"same":true,"revision":3,"previous_revision":null}',
    );
    expect(states.frameFrom(older!, "c")).toContain('{"n":3,"revision":3,"previous_revision":2}');
  });

  test("the whole set is encoded once until the next state", () => {
    const encodings: number[] = [];
    const states = new HeldStates(2);
    states.renew(counted(1, encodings));
    expect([states.newestJson, states.newestJson]).toEqual(
      new Array(2).fill('{"symbol":"s","value":1,"revision":1}'),
    );
    states.renew(counted(2, encodings));
    expect(states.newestJson).toContain('"revision":2');
    expect(encodings).toEqual([1, 2]);
  });

  test("a large field is written by its source: whole, by what changed, or whole again when it cannot tell", () => {
    const told: number[] = [];
    const large = {
      name: "bins",
      whole: () => '{"1":1,"2":2}',
      since: (revision: number) => {
        told.push(revision);
        return [undefined, '{"2":2}', "{}"][revision];
      },
    };
    const states = new HeldStates(10);
    const [tooOld, older, same] = [0, 1, 2].map((revision) =>
      states.renew({ revision, fields: { n: 1 }, large }),
    );
    states.renew({ revision: 3, fields: { n: 3 }, large });
    expect(states.newestJson).toBe('{"n":3,"revision":3,"bins":{"1":1,"2":2}}');
    const whole = '{"n":3,"revision":3,"previous_revision":null,"bins":{"1":1,"2":2}}';
    expect(states.frameFrom(tooOld!, "c")).toContain(whole);
    expect(states.frameFrom(older!, "c")).toContain(
      '{"n":3,"revision":3,"previous_revision":1,"bins":{"2":2}}',
    );
    expect(states.frameFrom(older!, "d")).toContain('"bins":{"2":2}');
    expect(states.frameFrom(same!, "c")).toContain('{"n":3,"revision":3,"previous_revision":2}');
    expect(told).toEqual([0, 1, 2]);
    const empty = { name: "bins", whole: () => "{}", since: () => undefined };
    states.renew({ revision: 4, fields: {}, large: empty });
    expect(states.newestJson).toBe('{"revision":4,"bins":{}}');
    expect(states.frameFrom(older!, "c")).toContain('{"revision":4,"previous_revision":null,"bins":{}}');
  });
});
