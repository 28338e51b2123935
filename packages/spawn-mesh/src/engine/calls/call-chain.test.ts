import { expect, test } from "vitest";
import { checkChain, lengthenChain, NO_CHAIN } from "./call-chain.ts";

const actorNamed = (name: string) => ({ system: "s", definition: "d", name });

test("a call to an actor that waits in its chain is a cycle, wherever it stands", () => {
  const chain = ["a", "b", "c"].map(actorNamed).reduce(lengthenChain, NO_CHAIN);
  for (const name of ["a", "b", "c"]) {
    expect(() => checkChain(chain, actorNamed(name), 32)).toThrow(`[CYCLE] s/d/${name} waits`);
  }
  expect(() => checkChain(chain, actorNamed("d"), 32)).not.toThrow();
});

test("actors of the same letters are not taken for one another", () => {
  const chain = lengthenChain(NO_CHAIN, { system: "s", definition: "ab", name: "c" });
  expect(() => checkChain(chain, { system: "s", definition: "a", name: "bc" }, 32)).not.toThrow();
  expect(() => checkChain(chain, { system: "sa", definition: "b", name: "c" }, 32)).not.toThrow();
});

test("a chain may be as long as its limit, and no longer", () => {
  const chain = ["a", "b"].map(actorNamed).reduce(lengthenChain, NO_CHAIN);
  expect(() => checkChain(chain, actorNamed("c"), 2)).not.toThrow();
  expect(() => checkChain(chain, actorNamed("c"), 1)).toThrow("[CYCLE] more than 1 actors wait");
});
