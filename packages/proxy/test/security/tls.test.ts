/** Certificates, those of the proxy and those of its clients. */
import { mkdirSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";
import { connect } from "spawn-mesh";
import type { SpawnError } from "spawn-mesh";
import { Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { TestAuthority } from "../../../spawn-mesh/test/servers/certificates.ts";
import { add, counter, one } from "../fixtures/counter.ts";
import { scratch } from "../fixtures/proxy-process.ts";
import { startWithHost } from "../fixtures/start-with-host.ts";
import { jsonIn } from "../fixtures/values.ts";
import type { WireClient } from "../fixtures/wire-client.ts";
import { errorOf } from "../sidecar/start-sidecar.ts";
import { expectRefused } from "./identities.ts";

describe("TLS", () => {
  test("is what the listener speaks, with another certificate when that was renewed", async () => {
    await using folder = scratch();
    const authority = new TestAuthority(folder.path("."));
    const old = authority.sign("old", "IP:127.0.0.1");
    const files = {
      SPAWN_TLS_CERT_FILE: folder.path("c.pem"),
      SPAWN_TLS_KEY_FILE: folder.path("k.pem"),
    };
    writeFileSync(files.SPAWN_TLS_CERT_FILE, old.cert);
    writeFileSync(files.SPAWN_TLS_KEY_FILE, old.key);
    await using t = await startWithHost({ add }, files);
    const client = t.client.with({ tls: { ca: authority.certificate.cert } });
    await client.register([counter("incrementor")]);
    expect(jsonIn(await client.invoke("incrementor", "add", one))).toEqual({ total: 1 });
    await expect(t.client.read("incrementor")).rejects.toThrow();

    const others = new TestAuthority(mkdirIn(folder.path("others")));
    const renewed = others.sign("new", "IP:127.0.0.1");
    writeFileSync(files.SPAWN_TLS_CERT_FILE, renewed.cert);
    t.proxy.reload();
    expect(t.proxy.logged).toContain("error reload-failed");
    expect(jsonIn(await client.read("incrementor"))).toEqual({ total: 1 });
    writeFileSync(files.SPAWN_TLS_KEY_FILE, renewed.key);
    t.proxy.reload();
    await expect(client.read("incrementor")).rejects.toThrow();
    const anew = t.client.with({ tls: { ca: others.certificate.cert } });
    expect(jsonIn(await anew.read("incrementor"))).toEqual({ total: 1 });
  });

  test.each([true, false])(
    "is not spoken with a certificate that is not trusted: nothing was sent, with a stream %s",
    async (stream) => {
      await using folder = scratch();
      const server = new TestAuthority(folder.path(".")).sign("server", "IP:127.0.0.1");
      const { certFile: SPAWN_TLS_CERT_FILE, keyFile: SPAWN_TLS_KEY_FILE } = server;
      await using t = await startWithHost({ add }, { SPAWN_TLS_CERT_FILE, SPAWN_TLS_KEY_FILE });
      const { port } = t.proxy.address as { readonly port: number };
      const call = async (protocol: string): Promise<SpawnError> => {
        const url = `${protocol}://127.0.0.1:${port}`;
        await using spawn = connect(url, { system: "spawn-system", stream });
        return await errorOf(spawn.invoke("incrementor", { action: "get" }));
      };
      const error = await call("https");
      expect(error).toMatchObject({ code: "NODE_UNAVAILABLE", applied: "no" });
      expect(error.message).toMatch(/cannot be reached: unable to verify/);
      // Whoever speaks HTTP there hears nothing of TLS, but the log says it.
      expect(await call("http")).toMatchObject({ code: "UNKNOWN_OUTCOME" });
      expect(t.proxy.logged).toContain("warning tls-failed");
    },
  );

  test("is not spoken at a socket file, which its mode protects", async () => {
    await using folder = scratch();
    const server = new TestAuthority(folder.path(".")).sign("server", "IP:127.0.0.1");
    await using t = await startWithHost(
      { add },
      {
        PROXY_UDS_ENABLED: "true",
        PROXY_UDS_ADDRESS: folder.path("spawn.sock"),
        SPAWN_TLS_CERT_FILE: server.certFile,
        SPAWN_TLS_KEY_FILE: server.keyFile,
      },
    );
    expect((await t.client.register([counter("incrementor")])).http).toBe(200);
    t.proxy.reload();
    expect((await t.client.read("incrementor")).http).toBe(200);
  });

  test("names clients by certificates of the authority, and no others", async () => {
    await using folder = scratch();
    const authority = new TestAuthority(folder.path("."));
    const server = authority.sign("server", "IP:127.0.0.1");
    const host = authority.sign("python");
    const client = authority.sign("web");
    const stranger = new TestAuthority(mkdirIn(folder.path("others"))).sign("python");
    await using t = await startWithHost(
      { add },
      {
        SPAWN_TLS_CERT_FILE: server.certFile,
        SPAWN_TLS_KEY_FILE: server.keyFile,
        SPAWN_TLS_CLIENT_CA_FILE: authority.certificate.certFile,
        SPAWN_TLS_CLIENT_HOSTS: "python",
      },
    );
    const { cert: ca } = authority.certificate;
    const by = ({ cert, key }: typeof host): WireClient =>
      t.client.with({ tls: { ca, cert, key } });
    expectRefused(await t.client.with({ tls: { ca } }).register([counter("incrementor")]), 401);
    expectRefused(await by(stranger).register([counter("incrementor")]), 401);
    expectRefused(await by(client).register([counter("incrementor")]));
    const { status } = await by(host).register([counter("incrementor")]);
    expect(status?.status).toBe(Status.OK);
    expect(jsonIn(await by(client).invoke("incrementor", "add", one))).toEqual({ total: 1 });
    const { cert, key } = client;
    const headers = { origin: "https://evil.example" };
    // A browser sends it for every page.
    const page = t.client.with({ headers, tls: { ca, cert, key } });
    expectRefused(await page.invoke("incrementor", "add", one), 401);
    const { port } = t.proxy.address as { port: number };
    // OpenSSL says of a resumed session without a certificate that it is verified.
    const first = await resumable({ port, ca }, undefined);
    const resumed = await resumable({ port, ca }, first.session);
    expect([first.isReused, resumed.isReused]).toEqual([false, true]);
    expect([first.status, resumed.status]).toEqual([401, 401]);
  });
});

describe("an authority that is replaced", () => {
  test("proves nothing any more, also on connections that are open", async () => {
    await using folder = scratch();
    const authority = new TestAuthority(folder.path("."));
    const server = authority.sign("server", "IP:127.0.0.1");
    const { cert, key } = authority.sign("web");
    const clientCa = folder.path("clients.pem");
    writeFileSync(clientCa, authority.certificate.cert);
    await using t = await startWithHost(
      { add },
      {
        SPAWN_TLS_CERT_FILE: server.certFile,
        SPAWN_TLS_KEY_FILE: server.keyFile,
        SPAWN_TLS_CLIENT_CA_FILE: clientCa,
      },
    );
    const { port } = t.proxy.address as { readonly port: number };
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const to = { host: "127.0.0.1", port, agent, cert, key, ca: authority.certificate.cert };
    const get = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const sent = request({ ...to, path: "/metrics" }, (answer) => {
          answer.resume().on("end", () => resolve(answer.statusCode ?? 0));
        });
        sent.on("error", reject).end();
      });
    const path = "/api/v1/system/spawn-system/channels/news";
    const stream = new Promise<string>((resolve, reject) => {
      const sent = request({ ...to, agent: false, path }, (answer) => {
        let heard = "";
        answer.on("data", (bytes: Buffer) => (heard += bytes.toString()));
        answer.on("end", () => resolve(heard));
      });
      sent.on("error", reject).end();
    });
    expect([await get(), await get()]).toEqual([200, 200]);
    t.proxy.reload();
    expect(await get()).toBe(200);
    writeFileSync(clientCa, new TestAuthority(mkdirIn(folder.path("o"))).certificate.cert);
    t.proxy.reload();
    expect(await stream).toMatch(/event: end\ndata: .*UNAUTHORIZED/);
    // The connection that was open was closed, and the next one proves nothing.
    expect(await get()).toBe(401);
    agent.destroy();
  });
});

/** Asks without a certificate, and keeps the session of TLS for the next time. */
function resumable(
  { port, ca }: { readonly port: number; readonly ca: string },
  session: Buffer | undefined,
): Promise<{ status: number; isReused: boolean; session: Buffer | undefined }> {
  return new Promise((resolve, reject) => {
    const to = { host: "127.0.0.1", port, ca, agent: false, ...(session && { session }) };
    let ticket: Buffer | undefined;
    const sent = request({ ...to, path: "/metrics" }, (answer) => {
      const socket = answer.socket as TLSSocket;
      const { statusCode: status = 0 } = answer;
      const isReused = socket.isSessionReused();
      answer.resume().on("end", () => resolve({ status, isReused, session: ticket }));
    });
    sent.on("socket", (socket) => socket.on("session", (bytes: Buffer) => (ticket = bytes)));
    sent.on("error", reject).end();
  });
}

function mkdirIn(path: string): string {
  mkdirSync(path);
  return path;
}
