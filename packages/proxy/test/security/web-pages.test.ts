/** Web pages, which ask from the machine of whoever looks at them. */
import { Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { counter } from "../fixtures/counter.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { expectRefused } from "./identities.ts";

describe("a web page", () => {
  test.each([
    ["of another origin", { origin: "https://evil.example" }],
    ["of no origin", { origin: "null" }],
    ["of another port", { origin: "http://localhost:3000", host: "localhost:9001" }],
    ["of a domain that leads here", { origin: "http://a.b:9001", host: "a.b:9001" }],
    ["without an origin", { "sec-fetch-site": "cross-site" }],
    ["without an origin of such a domain", { host: "evil.example:9001" }],
  ])("%s gets nothing without a token", async (_, headers) => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    expectRefused(await t.client.with({ headers }).read("incrementor"), 401);
  });

  test.each([
    ["says so", { "sec-fetch-site": "same-origin" }],
    ["says from where", { host: "localhost:5173", origin: "http://localhost:5173" }],
  ])("that came from here, and %s, is served", async (_, headers) => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    expect((await t.client.with({ headers }).read("incrementor")).http).toBe(200);
  });

  test.each(["localhost:9001", "127.0.0.1", "[::1]:9001", "proxy", "app.localhost:9001"])(
    "is not what asks %s",
    async (host) => {
      await using t = await startWithHost();
      await t.client.register([counter("incrementor")]);
      const answer = await t.client.with({ headers: { host } }).read("incrementor");
      expect(answer.status?.status).toBe(Status.OK);
    },
  );
});
