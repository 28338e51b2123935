/** Who gets in by gRPC and by HTTP for declared services: the same as anywhere. */
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { Agent, request } from "node:https";
import { connect as connectTcp } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import type { TLSSocket } from "node:tls";
import { credentials, status } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { TestAuthority } from "../../spawn-mesh/test/servers/certificates.ts";
import type { Certificate } from "../../spawn-mesh/test/servers/certificates.ts";
import { definitionOf } from "../src/grpc/grpc-methods.ts";
import { readConfig } from "../src/config.ts";
import { GrpcClient } from "./fixtures/grpc-client.ts";
import { scratch } from "./fixtures/proxy-process.ts";
import { SHOP_PROTOS, shopActions, shopActors, shopMethod } from "./fixtures/shop.ts";
import { startShop } from "./fixtures/shop-proxy.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { TestHost } from "./fixtures/test-host.ts";
import type { ClientOptions } from "./fixtures/wire-client.ts";

const add = shopMethod("Incrementor", "Add");
const addEach = shopMethod("Incrementor", "AddEach");
const HOST = "shop-host-0123456789abcdef0123456789abcdef";
const WEB = "shop-web-0123456789abcdef0123456789abcdef0";
const TOKENS = `host shop ${HOST}, client web ${WEB}`;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** The shop, whose host shows who it is. */
async function start(environment: Readonly<Record<string, string>>, host: ClientOptions) {
  const shop = await TestHost.start(shopActions);
  const proxy = await startTestProxy({
    USER_FUNCTION_PORT: `${shop.port}`,
    PROXY_GRPC_PORT: "0",
    PROXY_GRPC_INCLUDE_PROTOS_PATH: SHOP_PROTOS,
    ...environment,
  });
  expect((await proxy.client.with(host).register(shopActors)).http).toBe(200);
  return {
    host: shop,
    proxy,
    port: proxy.grpcPort!,
    async [Symbol.asyncDispose]() {
      await proxy.stop();
      await shop[Symbol.asyncDispose]();
    },
  };
}

/** What a proxy needs to know its host by the certificate of an authority, and the host to show it. */
function provenByCertificate(folder: ReturnType<typeof scratch>) {
  const authority = new TestAuthority(folder.path("."));
  const server = authority.sign("server", "IP:127.0.0.1");
  const { cert, key } = authority.sign("shop");
  const { cert: ca } = authority.certificate;
  const clientCa = folder.path("clients.pem");
  writeFileSync(clientCa, ca);
  return {
    environment: {
      SPAWN_TLS_CERT_FILE: server.certFile,
      SPAWN_TLS_KEY_FILE: server.keyFile,
      SPAWN_TLS_CLIENT_CA_FILE: clientCa,
      SPAWN_TLS_CLIENT_HOSTS: "shop",
    },
    tls: { ca, cert, key },
    /** Another one has its place when the proxy reads its files again. */
    replaceAuthority: () => {
      const other = new TestAuthority(mkdtempSync(folder.path("other-")));
      writeFileSync(clientCa, other.certificate.cert);
    },
  };
}

describe("with tokens", () => {
  test("a call of gRPC needs one, and health none", async () => {
    await using t = await start({ SPAWN_TOKENS: TOKENS }, { headers: bearer(HOST) });
    using grpc = new GrpcClient(t.port);
    for (const headers of [{}, bearer(`${WEB}x`), { authorization: WEB }]) {
      await expect(grpc.call(add, { value: 1 }, { headers })).rejects.toMatchObject({
        code: status.UNAUTHENTICATED,
        trailers: { "spawn-error": "UNAUTHORIZED", "spawn-applied": "no" },
      });
    }
    const keyed = { "idempotency-key": "k" };
    await expect(grpc.call(add, { value: 1 }, { headers: keyed })).rejects.toMatchObject({
      trailers: { "spawn-error": "UNAUTHORIZED", "spawn-applied": "unknown" },
    });
    const { failure } = await grpc.exchange(addEach, [{ value: 1 }]);
    expect(failure?.code).toBe(status.UNAUTHENTICATED);
    expect(t.host.requests).toEqual([]);
    const answer = await grpc.call(add, { value: 1 }, { headers: bearer(WEB) });
    expect(answer).toEqual({ total: "1" });
    const metadata = t.host.requests[0]?.invocation.currentContext?.metadata;
    expect(metadata).toEqual({});
    const health = await fetch(`http://127.0.0.1:${t.port}/health/readiness`);
    expect(health.status).toBe(200);
  });

  test("a request of HTTP needs one, before its body is read", async () => {
    await using t = await start({ SPAWN_TOKENS: TOKENS }, { headers: bearer(HOST) });
    const post = async (headers: Record<string, string>, body: string): Promise<Response> =>
      await fetch(`http://127.0.0.1:${t.port}/v1/incrementor/add`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
      });
    const refused = await post({}, "this is no JSON");
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe("Bearer");
    expect(await refused.json()).toMatchObject({ code: "UNAUTHORIZED", applied: "no" });
    expect(await (await post(bearer(WEB), `{"value":1}`)).json()).toEqual({ total: "1" });
  });

  test("a policy is asked, also about who has the token", async () => {
    await using folder = scratch();
    writeFileSync(folder.path("web.policy"), "type: deny\nidentities: web\nactions: Add");
    const environment = { SPAWN_TOKENS: TOKENS, SPAWN_POLICIES_PATH: folder.path(".") };
    await using t = await start(environment, { headers: bearer(HOST) });
    using grpc = new GrpcClient(t.port);
    await expect(grpc.call(add, { value: 1 }, { headers: bearer(WEB) })).rejects.toMatchObject({
      code: status.PERMISSION_DENIED,
      details: expect.stringContaining("web may not call the action Add: the policy web denies it"),
    });
    expect(t.host.requests).toEqual([]);
    const answer = await grpc.call(add, { value: 1 }, { headers: bearer(HOST) });
    expect(answer).toEqual({ total: "1" });
  });
});

describe("without tokens", () => {
  test("a trace goes from the headers of a call of gRPC and of HTTP to the host", async () => {
    await using shop = await startShop();
    const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
    await shop.grpc.call(add, { value: 1 }, { headers });
    await fetch(`${shop.url}/v1/incrementor`, { headers });
    expect(shop.host.requests.map(({ headers: told }) => told["traceparent"])).toEqual([
      headers.traceparent,
      headers.traceparent,
    ]);
  });

  test("a web page gets nothing", async () => {
    await using shop = await startShop();
    const headers = { origin: "https://evil.example" };
    expect((await fetch(`${shop.url}/v1/incrementor`, { headers })).status).toBe(401);
    expect((await fetch(`${shop.url}/v1/incrementor`)).status).toBe(200);
  });

  test("a proxy that others can reach does not start for services alone", () => {
    const services = { PROXY_UDS_ENABLED: "true", PROXY_HOST_INTERFACE: "0.0.0.0" };
    expect(() => readConfig(services)).not.toThrow();
    const declared = { ...services, PROXY_GRPC_INCLUDE_PROTOS_PATH: SHOP_PROTOS };
    expect(() => readConfig(declared)).toThrow(/others can reach 0\.0\.0\.0/);
  });
});

describe("over TLS", () => {
  test("gRPC and HTTP share the port, and certificates name clients", async () => {
    await using folder = scratch();
    const authority = new TestAuthority(folder.path("."));
    const server = authority.sign("server", "IP:127.0.0.1");
    const host = authority.sign("shop");
    const { cert: ca } = authority.certificate;
    const environment = {
      SPAWN_TLS_CERT_FILE: server.certFile,
      SPAWN_TLS_KEY_FILE: server.keyFile,
      SPAWN_TLS_CLIENT_CA_FILE: authority.certificate.certFile,
      SPAWN_TLS_CLIENT_HOSTS: "shop",
    };
    await using t = await start(environment, { tls: { ca, cert: host.cert, key: host.key } });
    const open = (own?: Certificate): GrpcClient => {
      const key = own && Buffer.from(own.key);
      const secured = credentials.createSsl(Buffer.from(ca), key, own && Buffer.from(own.cert));
      return new GrpcClient(t.port, secured);
    };
    using named = open(authority.sign("web"));
    using unnamed = open();
    using plain = new GrpcClient(t.port);
    expect(await named.call(add, { value: 1 })).toEqual({ total: "1" });
    await expect(unnamed.call(add, { value: 1 })).rejects.toMatchObject({
      code: status.UNAUTHENTICATED,
    });
    await expect(plain.call(add, { value: 1 })).rejects.toMatchObject({ code: status.UNAVAILABLE });

    const at = { host: "127.0.0.1", port: t.port, path: "/v1/incrementor", ca, agent: false };
    const get = (own: object): Promise<string> =>
      new Promise((resolve, reject) => {
        const sent = request(
          { ...at, ...own },
          (answer) => void text(answer).then(resolve, reject),
        );
        sent.on("error", reject).end();
      });
    expect(JSON.parse(await get({ cert: host.cert, key: host.key }))).toEqual({ total: "1" });
    expect(JSON.parse(await get({}))).toMatchObject({ code: "UNAUTHORIZED" });
  });

  test("an authority that is replaced proves nothing any more, also on what is open", async () => {
    await using folder = scratch();
    const { environment, tls, replaceAuthority } = provenByCertificate(folder);
    await using t = await start(environment, { tls });
    const session = connectHttp2(`https://127.0.0.1:${t.port}`, tls);
    session.on("error", () => undefined);
    const { path } = definitionOf(addEach);
    const call = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    const one = Buffer.from([0, 0, 0, 0, 2, 8, 1]);
    call.write(one);
    call.on("error", () => undefined);
    await once(call, "data");
    const body = `{"value":1}`;
    const posting = request({
      host: "127.0.0.1",
      port: t.port,
      method: "POST",
      path: "/v1/incrementor/add",
      headers: { "content-type": "application/json", "content-length": body.length },
      agent: new Agent({ keepAlive: true }),
      ...tls,
    });
    posting.write(body.slice(0, 5));
    await sleep(200);

    replaceAuthority();
    t.proxy.reload();
    call.write(one);
    const [trailers] = (await once(call, "trailers")) as [Record<string, unknown>];
    expect(trailers["grpc-status"]).toBe(`${status.UNAUTHENTICATED}`);
    posting.end(body.slice(5));
    const [answer] = (await once(posting, "response")) as [IncomingMessage];
    expect(answer.headers.connection).toBe("close");
    const [ca, key, cert] = [tls.ca, tls.key, tls.cert].map((pem) => Buffer.from(pem));
    using grpc = new GrpcClient(t.port, credentials.createSsl(ca, key!, cert!));
    await expect(grpc.call(add, { value: 1 })).rejects.toMatchObject({
      code: status.UNAUTHENTICATED,
    });
    answer.destroy();
    session.destroy();
  });

  test.each(["before a request", "before its handshake"])(
    "an authority that is replaced lets nobody in who had connected %s",
    async (when) => {
      await using folder = scratch();
      const { environment, tls, replaceAuthority } = provenByCertificate(folder);
      await using t = await start(environment, { tls });
      const places = [
        { port: t.port, path: "/v1/incrementor" },
        {
          port: (t.proxy.address as { readonly port: number }).port,
          path: "/api/v1/system/shop/actors/incrementor",
        },
      ];
      const opened = await Promise.all(
        places.map(async ({ port, path }) => {
          const plain = connectTcp(port, "127.0.0.1");
          await once(plain, "connect");
          const secured = (): TLSSocket => connectTls({ host: "127.0.0.1", socket: plain, ...tls });
          if (when === "before its handshake") return { path, secured };
          const socket = secured();
          await once(socket, "secureConnect");
          return { path, secured: () => socket };
        }),
      );
      await sleep(200);
      replaceAuthority();
      t.proxy.reload();
      for (const { path, secured } of opened) {
        const socket = secured();
        const answer = text(socket);
        socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
        const said = await answer.catch(() => "");
        if (when === "before a request") expect(said).toMatch(/^HTTP\/1.1 401 /);
        else expect(said).toBe("");
      }
    },
  );
});
