/** Where a proxy listens, and what it needs to do so. */
import { chmodSync, statSync, writeFileSync } from "node:fs";
import { Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { add, counter } from "../fixtures/counter.ts";
import { ProxyProcess, scratch } from "../fixtures/proxy-process.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { until } from "../fixtures/until.ts";
import { GO, PYTHON, TOKENS, WEB, as } from "./identities.ts";

describe("a listener", () => {
  test("at a socket file is for its user alone, and needs no token", async () => {
    await using folder = scratch();
    const path = folder.path("spawn.sock");
    const socket = { PROXY_UDS_ENABLED: "true", PROXY_UDS_ADDRESS: path, SPAWN_TOKENS: TOKENS };
    {
      await using t = await startWithHost({ add }, socket);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const { status } = await t.client.register([counter("incrementor")]);
      expect(status?.status).toBe(Status.OK);
    }
    await using _open = await startWithHost({ add }, { ...socket, SPAWN_UDS_MODE: "660" });
    expect(statSync(path).mode & 0o777).toBe(0o660);
  });

  test("that others can reach does not start when nobody needs a proof", async () => {
    const message = /others can reach .*SPAWN_TOKENS_FILE/;
    const starting = ProxyProcess.start({ PROXY_HOST_INTERFACE: "0.0.0.0" });
    await expect(starting).rejects.toThrow(message);
    for (const host of ["::", "192.0.2.1", "proxy.example"]) {
      expect(() => readConfig({ PROXY_HOST_INTERFACE: host })).toThrow(message);
    }
  });

  test("that others can reach starts with tokens, or when that is what is wanted", async () => {
    const environment = { PROXY_HOST_INTERFACE: "0.0.0.0", PROXY_DATABASE_TYPE: "memory" };
    for (const reason of [
      { SPAWN_TOKENS: TOKENS },
      { SPAWN_ALLOW_ANYONE_ON_THE_NETWORK: "true" },
    ]) {
      await using proxy = await ProxyProcess.start({ ...environment, ...reason });
      expect((await proxy.client.send("GET", "/health")).status).toBe(200);
      expect(proxy.said.join("\n")).toContain(`"level":"warning","event":"unencrypted"`);
    }
  });

  test("does not start with what cannot be used, and says what", async () => {
    await using folder = scratch();
    const tokens = folder.path("tokens");
    writeFileSync(tokens, `host python ${PYTHON}\n`);
    chmodSync(tokens, 0o644);
    writeFileSync(folder.path("bad.policy"), "type: deny\nactor: joe");
    const cases = [
      [{ SPAWN_TOKENS_FILE: tokens }, /SPAWN_TOKENS_FILE: all users can reach it/],
      [{ SPAWN_TOKENS: "client web short" }, /SPAWN_TOKENS, entry 1/],
      [{ SPAWN_TOKENS: TOKENS, SPAWN_TOKENS_FILE: tokens }, /got both/],
      [{ SPAWN_POLICIES_PATH: folder.path(".") }, /the policy bad: line 2: expected type/],
      [{ SPAWN_POLICIES_PATH: folder.path("none") }, /SPAWN_POLICIES_PATH: ENOENT/],
      [{ SPAWN_TLS_CERT_FILE: tokens }, /SPAWN_TLS_KEY_FILE: expected both/],
      [{ SPAWN_TLS_CERT_FILE: tokens, SPAWN_TLS_KEY_FILE: tokens }, /TLS files cannot be used/],
      [{ PROXY_UDS_ENABLED: "true", SPAWN_UDS_MODE: "rw" }, /SPAWN_UDS_MODE: expected three/],
    ] as const;
    for (const [environment, message] of cases) {
      expect(() => readConfig(environment)).toThrow(message);
    }
  });

  test("takes other tokens on SIGHUP", async () => {
    await using folder = scratch();
    const tokens = folder.path("tokens");
    writeFileSync(tokens, `client web ${WEB}\n`, { mode: 0o600 });
    await using proxy = await ProxyProcess.start({
      SPAWN_TOKENS_FILE: tokens,
      PROXY_DATABASE_TYPE: "memory",
    });
    const http = async (token: string): Promise<number> =>
      (await as(proxy.client, token).read("nobody")).http;
    expect([await http(WEB), await http(GO)]).toEqual([404, 401]);
    writeFileSync(tokens, `client go ${GO}\n`);
    process.kill(proxy.pid, "SIGHUP");
    await until(async () => (await http(GO)) === 404);
    expect(await http(WEB)).toBe(401);
  });
});
