/** Who gets in, in whose name, and for what: through the sockets of a running proxy. */
import { chmodSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import type { TLSSocket } from "node:tls";
import { Status } from "spawn-mesh/protocol";
import { describe, expect, test } from "vitest";
import { readConfig } from "../src/config.ts";
import { TestAuthority } from "../../spawn-mesh/test/servers/certificates.ts";
import { add, counter, one } from "./fixtures/counter.ts";
import { ProxyProcess, scratch } from "./fixtures/proxy-process.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { startWithHost } from "./fixtures/start-with-host.ts";
import { TestHost } from "./fixtures/test-host.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { jsonIn } from "./fixtures/values.ts";
import type { InvocationInit, WireAnswer, WireClient } from "./fixtures/wire-client.ts";

const PYTHON = "python-0123456789abcdef0123456789abcdef";
const GO = "golang-0123456789abcdef0123456789abcdef";
const WEB = "web-0123456789abcdef0123456789abcdef01";
const TOKENS = `host python ${PYTHON}, host go ${GO}, client web ${WEB}`;

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const as = (client: WireClient, token: string): WireClient => client.with(bearer(token));
const from = (name: string, more: object = {}): InvocationInit => ({
  ...one,
  caller: { name, system: "spawn-system", ...more },
});

/** What a refusal looks like, whatever was asked for. */
const refused = { "spawn-error": "UNAUTHORIZED", "spawn-applied": "no" };
type Refusable = WireAnswer<{ readonly status?: { readonly status: Status } | undefined }>;
function expectRefused({ status, headers, http }: Refusable, httpStatus = 403): void {
  expect({ http, status: status?.status }).toEqual({ http: httpStatus, status: Status.ERROR });
  expect(headers).toMatchObject(refused);
}

describe("with tokens", () => {
  test("nobody gets in without one, and the answer can be decoded", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const refusals: Refusable[] = [
      await t.client.register([counter("incrementor")]),
      await t.client.invoke("incrementor", "add", one),
      await t.client.read("incrementor"),
      await t.client.spawn([{ name: "a", parent: "incrementor" }]),
      await as(t.client, `${WEB}x`).invoke("incrementor", "add", one),
      await as(t.client, "").invoke("incrementor", "add", one),
      await t.client.with({ headers: { authorization: WEB } }).invoke("incrementor", "add", one),
    ];
    for (const refusal of refusals) {
      expectRefused(refusal, 401);
      expect(refusal.headers["www-authenticate"]).toBe("Bearer");
    }
    expect(t.host.requests).toEqual([]);
  });

  test("a host registers, and a client calls and does nothing else", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const web = as(t.client, WEB);
    expectRefused(await web.register([counter("incrementor")]));
    const { status } = await as(t.client, PYTHON).register([counter("incrementor")]);
    expect(status?.status).toBe(Status.OK);
    expect(jsonIn(await web.invoke("incrementor", "add", one))).toEqual({ total: 1 });
    expect(jsonIn(await web.read("incrementor"))).toEqual({ total: 1 });
    expectRefused(await web.spawn([{ name: "a", parent: "incrementor" }], "?revision=1"));
  });

  test("health is for everybody", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    expect((await t.client.send("GET", "/health/readiness")).status).toBe(200);
  });

  test("an actor stays with the host that registered it", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    await as(t.client, PYTHON).register([counter("incrementor")]);
    expectRefused(await as(t.client, GO).register([counter("incrementor")]));
    const again = await as(t.client, PYTHON).register([counter("incrementor")]);
    expect(again.status?.status).toBe(Status.OK);
  });

  test("a large body of somebody unknown is not read", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const sent = t.client.post("/api/v1/system", new Uint8Array(7_000_000));
    // It may still be writing when the connection is closed under it.
    const status = await sent.then((answer) => answer.status).catch(() => 401);
    expect(status).toBe(401);
  });

  test("loopback may be trusted all the same", async () => {
    await using t = await startWithHost(
      { add },
      { SPAWN_TOKENS: TOKENS, SPAWN_TRUST_LOOPBACK: "true" },
    );
    const { status } = await t.client.register([counter("incrementor")]);
    expect(status?.status).toBe(Status.OK);
    expectRefused(await as(t.client, `${WEB}x`).read("incrementor"), 401);
  });
});

const two = [counter("incrementor"), counter("joe")];

/** Proxies one after the other, with the same file for what they keep. */
async function startKept() {
  const files = scratch();
  const host = await TestHost.start({ add });
  return {
    async begin(tokens: string, use: (client: WireClient) => Promise<unknown>): Promise<void> {
      await using proxy = await startTestProxy({
        PROXY_DATABASE_TYPE: "sqlite",
        PROXY_DATABASE_NAME: files.path("state.db"),
        USER_FUNCTION_PORT: `${host.port}`,
        SPAWN_TOKENS: tokens,
      });
      await use(proxy.client);
    },
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
    },
  };
}

describe("an actor that was registered before the proxy was started again", () => {
  const renewed = "python-fedcba9876543210fedcba9876543210";

  test("stays with its host, also when that has another token", async () => {
    await using t = await startKept();
    await t.begin(TOKENS, (client) => as(client, PYTHON).register(two));
    await t.begin(`host python ${renewed}, host go ${GO}`, async (client) => {
      expectRefused(await as(client, GO).register(two));
      expect((await as(client, renewed).register(two)).http).toBe(200);
    });
  });

  test.each([
    ["has no token any more", `host go ${GO}`],
    ["is only a client any more", `host go ${GO}, client python ${PYTHON}`],
  ])("is free when its host %s", async (_, tokens) => {
    await using t = await startKept();
    await t.begin(TOKENS, (client) => as(client, PYTHON).register(two));
    await t.begin(tokens, async (client) => {
      expect((await as(client, GO).register([counter("joe")])).http).toBe(200);
      const called = await as(client, GO).invoke("incrementor", "add", from("joe"));
      expect(jsonIn(called)).toEqual({ total: 1 });
    });
    await t.begin(TOKENS, async (client) => {
      expectRefused(await as(client, PYTHON).register([counter("joe")]));
    });
  });

  test("is a token's when it was nobody's, and not the other way round", async () => {
    await using t = await startKept();
    await t.begin("", (client) => client.register(two));
    await t.begin(TOKENS, (client) => as(client, PYTHON).register(two));
    await t.begin("", async (client) => {
      expect((await client.register(two)).http).toBe(200);
    });
  });
});

describe("a caller that is claimed", () => {
  test("is believed from the host that registered it", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const python = as(t.client, PYTHON);
    await python.register([counter("incrementor"), counter("joe")]);
    expect(jsonIn(await python.invoke("incrementor", "add", from("joe")))).toEqual({ total: 1 });
    expect(t.host.requests.at(-1)?.invocation.caller?.name).toBe("joe");
  });

  test("is believed after the proxy was started again", async () => {
    await using t = await startKept();
    await t.begin(TOKENS, (client) => as(client, PYTHON).register(two));
    await t.begin(TOKENS, async (client) => {
      const by = (token: string) => as(client, token).invoke("incrementor", "add", from("joe"));
      expectRefused(await by(GO));
      expect(jsonIn(await by(PYTHON))).toEqual({ total: 1 });
    });
  });

  test("is refused from anybody else, and the actor hears nothing of it", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    await as(t.client, PYTHON).register([counter("incrementor"), counter("joe")]);
    for (const token of [GO, WEB]) {
      expectRefused(await as(t.client, token).invoke("incrementor", "add", from("joe")));
    }
    expect(t.host.requests).toEqual([]);
  });

  test("has to be there, in that system, also where no token is needed", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor"), counter("joe")]);
    const other = { system: "another" };
    expectRefused(await t.client.invoke("incrementor", "add", from("nobody")));
    expectRefused(await t.client.invoke("incrementor", "add", from("joe", other)));
    expectRefused(await t.client.invoke("incrementor", "add", from("x", { parent: "nobody" })));
    expectRefused(await t.client.invoke("incrementor", "add", from("__proto__")));
    expect(jsonIn(await t.client.invoke("incrementor", "add", from("joe")))).toEqual({ total: 1 });
  });

  test("may be an instance that was spawned, by its name alone", async () => {
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: TOKENS });
    const python = as(t.client, PYTHON);
    const user = counter("user", { settings: { kind: 2, stateful: true } });
    await python.register([counter("incrementor"), user]);
    await python.spawn([{ name: "user-42", parent: "user" }]);
    await python.invoke("incrementor", "add", from("user-42"));
    const caller = t.host.requests.at(-1)?.invocation.caller;
    expect(caller).toMatchObject({ name: "user-42", parent: "user" });
    expectRefused(await as(t.client, WEB).invoke("incrementor", "add", from("user-42")));
  });
});

describe("policies", () => {
  async function startWith(policies: Readonly<Record<string, string>>) {
    const folder = scratch();
    for (const [name, text] of Object.entries(policies)) {
      writeFileSync(folder.path(`${name}.policy`), text);
    }
    const environment = { SPAWN_POLICIES_PATH: folder.path("."), SPAWN_TOKENS: TOKENS };
    const started = await startWithHost({ add, order }, environment);
    const python = as(started.client, PYTHON);
    const actions = [{ name: "add" }, { name: "order" }, { name: "chain" }];
    await python.register([counter("till"), counter("joe", { actions }), counter("ann")]);
    return {
      ...started,
      folder,
      python,
      async [Symbol.asyncDispose]() {
        await started[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  const order: HostAction = () => ({
    workflow: {
      effects: [
        {
          request: {
            system: { name: "spawn-system" },
            actor: { id: { name: "till", system: "spawn-system" } },
            actionName: "add",
            ...one,
          },
        },
      ],
    },
  });

  test("refuse before the actor is touched, and say so", async () => {
    await using t = await startWith({
      all: "type: allow",
      joe: "type: deny\nactors: joe\nactions: add",
    });
    const denied = await t.python.invoke("till", "add", from("joe"));
    expectRefused(denied);
    expect(denied.status?.message).toContain("joe may not call the action add: the policy joe");
    // Not even whether there is such an actor.
    expectRefused(await t.python.invoke("nobody", "add", from("joe")));
    expect(t.host.requests).toEqual([]);
    expect(jsonIn(await t.python.invoke("till", "add", from("ann")))).toEqual({ total: 1 });
  });

  test("refuse before a name becomes an instance", async () => {
    await using t = await startWith({ joe: "type: deny\nactors: joe\nactions: add" });
    await t.python.register([counter("user", { settings: { kind: 2, stateful: true } })]);
    const named = { ...from("joe"), registerRef: "user" };
    expectRefused(await t.python.invoke("user-42", "add", named));
    const { status } = await t.python.invoke("user-42", "get");
    expect(status?.status).toBe(Status.ACTOR_NOT_FOUND);
  });

  test("are about callers, so a call that names none is not one that an allow means", async () => {
    await using t = await startWith({ ann: "actors: ann", web: "identities: web\nactions: get" });
    expectRefused(await t.python.invoke("till", "add", one));
    expect(jsonIn(await t.python.invoke("till", "add", from("ann")))).toEqual({ total: 1 });
    expect(jsonIn(await as(t.client, WEB).read("till"))).toEqual({ total: 1 });
    expectRefused(await as(t.client, WEB).invoke("till", "add", one));
  });

  test("hold for what actions send: the action fails as a whole", async () => {
    await using t = await startWith({ joe: "type: deny\nactors: joe\nactions: add" });
    const answer = await t.python.invoke("joe", "order");
    expectRefused(answer);
    expect(jsonIn(await t.python.read("till"))).toEqual({ total: 0 });
  });

  test("are read again on demand, and stay as they were if they cannot be", async () => {
    await using t = await startWith({ joe: "type: deny\nactors: joe" });
    writeFileSync(t.folder.path("joe.policy"), "type: never");
    t.proxy.reload();
    expect(t.proxy.logged).toContain("error reload-failed");
    expectRefused(await t.python.invoke("till", "add", from("joe")));
    writeFileSync(t.folder.path("joe.policy"), "type: deny\nactors: ann");
    t.proxy.reload();
    expect(jsonIn(await t.python.invoke("till", "add", from("joe")))).toEqual({ total: 1 });
    expectRefused(await t.python.invoke("till", "add", from("ann")));
  });
});

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
