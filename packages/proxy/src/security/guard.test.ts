/** Whatever is sent as a proof, a caller or a file of rules: it is understood, or refused in our words. */
import fc from "fast-check";
import { isSpawnError } from "spawn-mesh/engine";
import { describe, expect, test } from "vitest";
import { traceContextIn, traceHeaders } from "../observability/trace-context.ts";
import { Guard } from "./guard.ts";
import type { Peer } from "./peer.ts";
import { parsePolicy } from "./policies.ts";
import { Tokens } from "./tokens.ts";

const token = "0123456789abcdef0123456789abcdef";
const network: Peer = { from: "network", address: "192.0.2.1", certificateName: undefined };

function guardWith(more: Partial<ConstructorParameters<typeof Guard>[0]> = {}): Guard {
  return new Guard({
    rules: { tokens: Tokens.parse(`client web ${token}`, "test"), policies: [] },
    certificateHosts: new Set(["host"]),
    asksCertificates: false,
    listensAtFile: false,
    trustsLoopback: false,
    trustsAnyone: false,
    onRefused: () => undefined,
    ...more,
  });
}

/** The name of an identity, or `refused`. */
function nameOf(answer: ReturnType<Guard["authorize"]>): string {
  if (!("refusal" in answer)) return answer.name;
  expect(answer.refusal.code).toBe("UNAUTHORIZED");
  return "refused";
}

const nearly = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("Bearer", "bearer ", `Bearer ${token} `, token, `Basic ${token}`, "Bearer\t"),
  fc.string().map((text) => `Bearer ${token}${text}`),
  fc.nat({ max: token.length - 1 }).map((length) => `Bearer ${token.slice(0, length)}`),
);

describe("the guard", () => {
  test("knows the token and nothing that is nearly one", () => {
    const guard = guardWith();
    const by = (authorization: string): string =>
      nameOf(guard.authorize({ peer: network, headers: { authorization } }));
    expect([by(`Bearer ${token}`), by(`bearer  ${token}`)]).toEqual(["web", "web"]);
    fc.assert(
      fc.property(nearly, (authorization) => {
        fc.pre(!/^Bearer +0123456789abcdef0123456789abcdef$/i.test(authorization));
        expect(by(authorization)).toBe("refused");
      }),
    );
  });

  test.each([
    ["unix-socket", {}, "anonymous"],
    ["loopback", {}, "refused"],
    ["loopback", { trustsLoopback: true }, "anonymous"],
    ["loopback", { rules: { tokens: undefined, policies: [] } }, "anonymous"],
    ["loopback", { rules: { tokens: undefined, policies: [] }, asksCertificates: true }, "refused"],
    ["network", {}, "refused"],
    ["network", { rules: { tokens: undefined, policies: [] } }, "refused"],
    ["network", { trustsLoopback: true }, "refused"],
    ["network", { trustsAnyone: true }, "anonymous"],
  ] as const)("takes who comes from %s with %j for %s", (from, options, name) => {
    const peer = { ...network, from };
    expect(nameOf(guardWith(options).authorize({ peer, headers: {} }))).toBe(name);
  });

  test("never takes a certificate for a token of that name", () => {
    const guard = guardWith();
    for (const [certificateName, isHost] of [
      ["web", false],
      ["host", true],
      ["anonymous", false],
    ] as const) {
      const answer = guard.authorize({ peer: { ...network, certificateName }, headers: {} });
      expect(answer).toEqual({ name: `tls:${certificateName}`, isHost });
    }
  });

  test("gives actors back that could not be registered, to whom they were before", () => {
    const tokens = Tokens.parse(`host a ${token}, host b b${token}`, "test");
    const guard = guardWith({ rules: { tokens, policies: [] } });
    const [first, second] = ["a", "b"].map((name) => ({ name, isHost: true }));
    guard.own(first!, "s", ["kept"]);
    const giveBack = guard.own(first!, "s", ["kept", "failed"]);
    expect(() => guard.own(second!, "s", ["failed"])).toThrow("UNAUTHORIZED");
    giveBack();
    guard.own(second!, "s", ["failed"]);
    expect(() => guard.own(second!, "s", ["other", "kept"])).toThrow("UNAUTHORIZED");
    guard.own(first!, "s", ["other"]);
  });
});

describe("files of rules", () => {
  const lines = fc.array(
    fc.oneof(
      fc.string(),
      fc.constantFrom("type: deny", "type", "actors: *", "actors: a, b", "actions:", "host a b"),
    ),
    { maxLength: 6 },
  );

  test("are understood, or refused in our words", () => {
    fc.assert(
      fc.property(lines, (all) => {
        for (const parse of [parsePolicy, (_: string, text: string) => Tokens.parse(text, "t")]) {
          try {
            parse("p", all.join("\n"));
          } catch (error) {
            expect(isSpawnError(error) && error.code).toBe("INVALID_ARGUMENT");
          }
        }
      }),
    );
  });
});

describe("a place in a trace", () => {
  test("never makes more headers than its own", () => {
    const field = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string().map((end) => `00-${"a".repeat(32)}-${"b".repeat(16)}-01${end}`),
    );
    fc.assert(
      fc.property(field, field, (traceparent, tracestate) => {
        const headers = traceHeaders(traceContextIn({ traceparent, tracestate }));
        expect(headers).toMatch(/^$|^traceparent: [\da-f-]{55}\r\n(?:tracestate: [ -~]+\r\n)?$/);
      }),
    );
  });
});
