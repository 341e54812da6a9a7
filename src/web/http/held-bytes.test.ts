import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Held, HeldBytes } from "./held-bytes.ts";

test("what fits is held, and gives its room back once", () => {
  const ledger = new HeldBytes({ maxBytes: 100 });
  const held = ledger.hold("anna", 60, () => {});
  expect(ledger.hold("anna", 60, () => {})).toBeNull();
  held!.end();
  held!.end();
  expect(ledger.bytes).toBe(0);
  expect(ledger.hold("anna", 60, () => {})).not.toBeNull();
});

test("who holds most is cut off for another one, its oldest first, and is refused more itself", () => {
  const ledger = new HeldBytes({ maxBytes: 100 });
  const cut: string[] = [];
  for (const name of ["first", "second", "third"]) ledger.hold("mallory", 30, () => void cut.push(name));
  expect(ledger.hold("mallory", 30, () => {})).toBeNull();
  expect(cut).toEqual([]);
  expect(ledger.hold("anna", 50, () => void cut.push("anna's"))).not.toBeNull();
  expect([cut, ledger.bytes]).toEqual([["first", "second"], 80]);
  expect(ledger.hold("ben", 30, () => {})).not.toBeNull();
  expect(cut).toEqual(["first", "second", "anna's"]);
});

test("who holds as much as the heaviest gets nothing at its cost", () => {
  const ledger = new HeldBytes({ maxBytes: 100 });
  const cut: string[] = [];
  ledger.hold("anna", 50, () => void cut.push("anna's"));
  ledger.hold("ben", 50, () => void cut.push("ben's"));
  expect([ledger.hold("ben", 1, () => {}), cut]).toEqual([null, []]);
});

test("the bound holds whatever is asked and given back, and who is let in holds no more than who was cut off", () => {
  const step = fc.record({
    owner: fc.constantFrom("anna", "ben", "carl"),
    bytes: fc.nat(60),
    ends: fc.nat(9),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = new HeldBytes({ maxBytes: 100 });
      const open: { readonly owner: string; readonly bytes: number; readonly held: Held }[] = [];
      const of = (owner: string) =>
        open.filter((each) => each.owner === owner).reduce((sum, each) => sum + each.bytes, 0);
      for (const { owner, bytes, ends } of steps) {
        const before = of(owner);
        const mine: (typeof open)[number][] = [];
        const held = ledger.hold(owner, bytes, () => {
          const index = open.indexOf(mine[0]!);
          open.splice(index, 1);
        });
        expect(ledger.bytes).toBeLessThanOrEqual(100);
        if (held) mine.push({ owner, bytes, held });
        if (mine[0]) open.push(mine[0]);
        if (!held) expect(["anna", "ben", "carl"].every((each) => of(each) <= before)).toBe(true);
        const ended = ends < open.length ? open.splice(ends, 1)[0] : undefined;
        ended?.held.end();
        expect(ledger.bytes).toBe(open.reduce((sum, each) => sum + each.bytes, 0));
      }
    }),
  );
});
