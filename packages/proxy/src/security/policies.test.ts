import { describe, expect, test } from "vitest";
import { checkPolicies, parsePolicy } from "./policies.ts";
import type { PolicyRequest } from "./policies.ts";

const joe = { system: "spawn-system", definition: "joe", name: "joe" };
const user42 = { system: "spawn-system", definition: "user", name: "42" };

/** Whether a request passes policies that are given as the texts of their files. */
function passes(texts: readonly string[], request: Partial<PolicyRequest>): boolean {
  const policies = texts.map((text, index) => parsePolicy(`policy-${index}`, text));
  try {
    checkPolicies(policies, { caller: joe, identity: "anonymous", action: "add", ...request });
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: "UNAUTHORIZED" });
    return false;
  }
}

const denyJoe = "type: deny\nactors: joe\nactions: pay";
const allowJoe = "type: allow\nactors: joe";

describe("policies", () => {
  test("let everything through when there are none", () => {
    expect(passes([], {})).toBe(true);
    expect(passes([], { caller: undefined })).toBe(true);
  });

  test("allow what one of them allows, and nothing else", () => {
    expect(passes([allowJoe], {})).toBe(true);
    expect(passes([allowJoe], { caller: user42 })).toBe(false);
    expect(passes([allowJoe, "actions: get"], { caller: user42, action: "get" })).toBe(true);
    expect(passes([allowJoe, "actions: get"], { caller: user42 })).toBe(false);
  });

  test("deny what one of them denies, whatever another allows", () => {
    expect(passes(["type: allow", denyJoe], { action: "pay" })).toBe(false);
    expect(passes([denyJoe, "type: allow"], { action: "pay" })).toBe(false);
    expect(passes(["type: allow", denyJoe], { action: "add" })).toBe(true);
  });

  test("that only deny let everything else through", () => {
    expect(passes([denyJoe], { action: "add" })).toBe(true);
    expect(passes([denyJoe], { action: "pay", caller: user42 })).toBe(true);
    expect(passes(["type: deny"], {})).toBe(false);
  });

  test("take a call without a caller for one that anybody may have made", () => {
    expect(passes([allowJoe], { caller: undefined })).toBe(false);
    expect(passes([denyJoe], { caller: undefined, action: "pay" })).toBe(false);
    expect(passes([denyJoe], { caller: undefined, action: "add" })).toBe(true);
    expect(passes(["actor_systems: spawn-system"], { caller: undefined })).toBe(false);
  });

  test("compare the system of the caller", () => {
    expect(passes(["actor_systems: spawn-system"], {})).toBe(true);
    expect(passes(["actor_systems: another"], {})).toBe(false);
  });

  test("mean all instances by the name of their actor, and one by both names", () => {
    expect(passes(["actors: user"], { caller: user42 })).toBe(true);
    expect(passes(["actors: user/42"], { caller: user42 })).toBe(true);
    expect(passes(["actors: user/43"], { caller: user42 })).toBe(false);
  });

  test("give an instance no rights of an actor that it is named like", () => {
    const named = { ...user42, name: "joe" };
    expect(passes([allowJoe], { caller: named })).toBe(false);
    expect(passes([denyJoe], { caller: named, action: "pay" })).toBe(false);
  });

  test("compare whose token or certificate it is", () => {
    const web = "identities: web, tls:spiffe://mesh/shop";
    expect(passes([web], { identity: "web", caller: undefined })).toBe(true);
    expect(passes([web], { identity: "tls:spiffe://mesh/shop" })).toBe(true);
    expect(passes([web], { identity: "spiffe" })).toBe(false);
    expect(passes([`type: deny\n${web}`], { identity: "web" })).toBe(false);
  });
});

describe("the file of a policy", () => {
  test.each([
    ["commas between names", "actions: get, set"],
    ["colons, as in the original", "actions: get: set"],
    ["quotes, comments and empty lines", `# why\r\n\r\n type : "allow" \n actions: "get", 'set'`],
    ["nothing of what it can leave out", "type: allow\nactions: set\nactors: *\nactor_systems: *"],
    ["a star among names", "actors: joe, *"],
  ])("may have %s", (_, text) => {
    expect(passes([text], { action: "set" })).toBe(true);
  });

  test.each([
    ["a type that there is not", "type: maybe", "allow or deny"],
    ["two types", "type: allow, deny", "allow or deny"],
    ["a key that there is not", "actor: joe", "line 1: expected type, actors"],
    ["a key twice", "actors: joe\nactors: ann", "line 2: actors is there before"],
    ["a key without a name", "actors:", "line 1: expected names after actors"],
    ["a name that is missing", "actors: joe,,ann", "expected names after actors"],
    ["a line that is none", "joe may pay", "line 1: expected type, actors"],
  ])("with %s is refused", (_, text, message) => {
    expect(() => parsePolicy("pay", text)).toThrow(message);
    expect(() => parsePolicy("pay", text)).toThrow("the policy pay");
  });
});
