/** Metrics and traces of invocations, through the sockets of a running proxy. */
import { describe, expect, test } from "vitest";
import { Collector } from "./fixtures/collector.ts";
import { add, counter, one } from "./fixtures/counter.ts";
import { ProxyProcess, scratch } from "./fixtures/proxy-process.ts";
import { startTestProxy } from "./fixtures/start-proxy.ts";
import { startWithHost } from "./fixtures/start-with-host.ts";
import { TestHost } from "./fixtures/test-host.ts";
import type { HostAction } from "./fixtures/test-host.ts";
import { until } from "./fixtures/until.ts";
import { jsonPayload } from "./fixtures/values.ts";
import type { WireClient } from "./fixtures/wire-client.ts";

const user = counter("user", { settings: { kind: 2, stateful: true } });

async function metricsOf(client: WireClient): Promise<string> {
  const { status, headers, body } = await client.send("GET", "/metrics");
  expect(status).toBe(200);
  expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
  return body.toString();
}

/** The value of one line. */
function valueOf(metrics: string, series: string): number {
  const line = metrics.split("\n").find((each) => each.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1));
}

describe("metrics", () => {
  test("count invocations by actor, action and outcome", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    for (let count = 0; count < 3; count++) await t.client.invoke("incrementor", "add", one);
    await t.client.invoke("incrementor", "sub", one);
    await t.client.invoke("nobody", "add", one);
    const metrics = await metricsOf(t.client);
    const count = (actor: string, action: string, outcome: string): number =>
      valueOf(
        metrics,
        `spawn_invoke_duration_seconds_count{system="spawn-system",actor="${actor}",action="${action}",outcome="${outcome}"}`,
      );
    expect(count("incrementor", "add", "ok")).toBe(3);
    expect(count("incrementor", "", "ACTION_NOT_FOUND")).toBe(1);
    expect(count("", "", "ACTOR_NOT_FOUND")).toBe(1);
    expect(valueOf(metrics, "spawn_invoke_stop_duration")).toBe(5);
    expect(valueOf(metrics, "spawn_actor_inflight_messages_messages")).toBe(0);
  });

  test("have what the original's dashboards look for, and what hosts and commits take", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "add", one);
    const metrics = await metricsOf(t.client);
    expect(valueOf(metrics, "vm_memory_total")).toBeGreaterThan(10_000_000);
    const host = `host="127.0.0.1:${t.host.port}",outcome="ok"`;
    expect(valueOf(metrics, `spawn_host_call_duration_seconds_count{${host}}`)).toBe(1);
    expect(valueOf(metrics, "spawn_commit_duration_seconds_count")).toBeGreaterThanOrEqual(1);
    expect(valueOf(metrics, `spawn_commit_group_size_bucket{le="1"}`)).toBeGreaterThanOrEqual(1);
    // The proxy's own records are actors too.
    const alive = valueOf(metrics, `spawn_active_actors{system="spawn-system"}`);
    expect(alive).toBeGreaterThanOrEqual(1);
    const begun = valueOf(metrics, `spawn_activations_total{system="spawn-system"}`);
    expect(begun).toBeGreaterThanOrEqual(alive);
    expect(valueOf(metrics, `spawn_actor_message_queue_len{system="spawn-system"}`)).toBe(0);
    expect(valueOf(metrics, `spawn_outbox_messages{system="spawn-system"}`)).toBe(0);
  });

  test("are lines that Prometheus can read", async () => {
    await using t = await startWithHost();
    await t.client.register([counter('odd "name"\\')]);
    await t.client.invoke('odd "name"\\', "add", one);
    const metrics = await metricsOf(t.client);
    const label = String.raw`[a-z_]+="(?:[^"\\\n]|\\["\\n])*"`;
    const sample = new RegExp(`^[a-z_]+(?:\\{${label}(?:,${label})*\\})? (?:[\\d.e+-]+|\\+Inf)$`);
    const lines = metrics.trimEnd().split("\n");
    const comments = lines.filter((line) => /^# (?:HELP|TYPE) [a-z_]+ .+$/.test(line));
    expect(lines.filter((line) => !sample.test(line) && !comments.includes(line))).toEqual([]);
    const types = comments
      .filter((line) => line.startsWith("# TYPE"))
      .map((line) => line.split(" ")[2]);
    expect(new Set(types).size).toBe(types.length);
    expect(metrics).toContain(String.raw`actor="odd \"name\"\\"`);
  });

  test("never name instances, nor what callers make up", async () => {
    await using t = await startWithHost();
    await t.client.register([user]);
    for (let number = 0; number < 20; number++) {
      const name = `person-${number}`;
      await t.client.spawn([{ name, parent: "user" }]);
      await t.client.invoke(name, "add", one);
      await t.client.invoke(`invented-${number}`, `invented-${number}`, one);
      await t.client.invoke("x", "y", { system: { name: `invented-${number}` } });
    }
    const metrics = await metricsOf(t.client);
    expect(metrics).not.toMatch(/person-|invented-/);
    const of = `system="spawn-system",actor="user",action="add",outcome="ok"`;
    expect(valueOf(metrics, `spawn_invoke_duration_seconds_count{${of}}`)).toBe(20);
  });

  test("show what is under way", async () => {
    let goOn = (): void => undefined;
    const slow: HostAction = (invocation) =>
      new Promise((resolve) => (goOn = () => resolve(add(invocation))));
    await using t = await startWithHost({ add: slow });
    await t.client.register([counter("incrementor")]);
    const calls = [1, 2, 3].map(() => t.client.invoke("incrementor", "add", one));
    const queued = async (): Promise<number> =>
      valueOf(await metricsOf(t.client), `spawn_actor_message_queue_len{system="spawn-system"}`);
    await until(async () => (await queued()) === 2);
    const metrics = await metricsOf(t.client);
    expect(valueOf(metrics, "spawn_actor_inflight_messages_messages")).toBe(3);
    for (const [index, call] of calls.entries()) {
      await until(() => t.host.requests.length === index + 1);
      goOn();
      await call;
    }
    expect(await queued()).toBe(0);
  });

  test("count who was turned away", async () => {
    const token = "0123456789abcdef0123456789abcdef";
    await using t = await startWithHost({ add }, { SPAWN_TOKENS: `client web ${token}` });
    const web = t.client.with({ headers: { authorization: `Bearer ${token}` } });
    await t.client.read("incrementor");
    await web.invoke("incrementor", "add", { ...one, caller: { name: "joe" } });
    expect((await t.client.send("GET", "/metrics")).status).toBe(401);
    const metrics = await metricsOf(web);
    expect(valueOf(metrics, `spawn_refused_total{reason="unproven"}`)).toBe(2);
    expect(valueOf(metrics, `spawn_refused_total{reason="denied"}`)).toBe(1);
  });

  test("are not there when they are switched off", async () => {
    await using t = await startWithHost({ add }, { SPAWN_DISABLE_METRICS: "true" });
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "add", one);
    expect((await t.client.send("GET", "/metrics")).status).toBe(404);
  });
});

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
const send: HostAction = () => ({
  workflow: {
    effects: [
      {
        request: {
          actor: { id: { name: "incrementor", system: "spawn-system" } },
          actionName: "add",
          ...one,
        },
      },
    ],
  },
});

describe("a trace without a collector", () => {
  test("goes on to the host as it came, from headers or metadata", async () => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    const headers = { traceparent, tracestate: "vendor=1" };
    await t.client.with({ headers }).invoke("incrementor", "add", one);
    await t.client.invoke("incrementor", "add", { ...one, metadata: headers });
    await t.client.invoke("incrementor", "add", one);
    const [first, second, third] = t.host.requests;
    expect(first?.headers).toMatchObject(headers);
    expect(first?.invocation.currentContext?.metadata).toMatchObject(headers);
    expect(second?.headers).toMatchObject(headers);
    expect(third?.headers["traceparent"]).toBeUndefined();
  });

  test("goes on with what an action sends", async () => {
    await using t = await startWithHost({ add, send });
    await t.client.register([
      counter("incrementor"),
      counter("sender", { actions: [{ name: "send" }] }),
    ]);
    await t.client.with({ headers: { traceparent } }).invoke("sender", "send");
    await until(() => t.host.requests.length === 2);
    expect(t.host.requests[1]?.headers["traceparent"]).toBe(traceparent);
  });

  test.each([
    ["too short", "00-1-2-01"],
    ["empty", `00-${"0".repeat(32)}-b7ad6b7169203331-01`],
    ["two headers", `${traceparent}\r\nx-evil: 1`],
  ])("that is malformed (%s) stops here", async (_, malformed) => {
    await using t = await startWithHost();
    await t.client.register([counter("incrementor")]);
    const metadata = { traceparent: malformed, tracestate: "a=b\r\nx-evil: 1" };
    await t.client.invoke("incrementor", "add", { ...one, metadata });
    await t.client.invoke("incrementor", "add", { ...one, metadata: { ...metadata, traceparent } });
    const [first, second] = t.host.requests;
    expect(first?.headers["traceparent"]).toBeUndefined();
    expect(second?.headers["traceparent"]).toBe(traceparent);
    for (const { headers } of t.host.requests) {
      expect([headers["x-evil"], headers["tracestate"]]).toEqual([undefined, undefined]);
    }
  });
});

describe("a trace with a collector", () => {
  test("has a span for the invocation and one for the host, which is told of its own", async () => {
    await using collector = await Collector.start();
    await using t = await startWithHost({ add }, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await t.client.register([counter("incrementor")]);
    await t.client.with({ headers: { traceparent } }).invoke("incrementor", "add", one);
    const told = t.host.requests[0]?.headers["traceparent"];
    await t.proxy.stop();
    const [asked, invoked] = collector.spans;
    expect([asked?.name, invoked?.name]).toEqual(["invoke-host", "client invoke"]);
    expect(invoked).toMatchObject({ traceId: TRACE, parentSpanId: "b7ad6b7169203331" });
    expect(asked).toMatchObject({ traceId: TRACE, parentSpanId: invoked?.spanId });
    expect(told).toBe(`00-${TRACE}-${asked?.spanId}-01`);
  });

  test("begins here if the caller has none, and says what failed", async () => {
    await using collector = await Collector.start();
    await using t = await startWithHost({ add }, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "sub", one);
    await t.proxy.stop();
    const [span] = collector.spans;
    expect(span?.parentSpanId).toBeUndefined();
    expect(span?.status).toMatchObject({ code: 2, message: "ACTION_NOT_FOUND" });
  });

  test("is not recorded when the sampler or the caller says so", async () => {
    await using collector = await Collector.start();
    await using t = await startWithHost(
      { add },
      {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_TRACES_SAMPLER: "parentbased_always_off",
      },
    );
    await t.client.register([counter("incrementor")]);
    await t.client.invoke("incrementor", "add", one);
    const unsampled = { traceparent: traceparent.replace(/1$/, "0") };
    await t.client.with({ headers: unsampled }).invoke("incrementor", "add", one);
    await t.proxy.stop();
    expect(collector.spans).toEqual([]);
    expect(t.host.requests[1]?.headers["traceparent"]).toMatch(new RegExp(`^00-${TRACE}-.*-00$`));
  });

  test("whose collector is gone keeps nobody waiting", async () => {
    await using t = await startWithHost(
      { add },
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" },
    );
    await t.client.register([counter("incrementor")]);
    const answer = await t.client.invoke("incrementor", "add", one);
    expect(answer.http).toBe(200);
    const stoppedAt = performance.now();
    await t.proxy.stop();
    expect(performance.now() - stoppedAt).toBeLessThan(4_000);
  });

  test("is sent to an address that makes sense, or the proxy does not start", async () => {
    for (const [environment, message] of [
      [{ OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" }, /OTEL_EXPORTER_OTLP_ENDPOINT: expected/],
      [
        { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
        /OTEL_EXPORTER_OTLP_PROTOCOL: expected http\/json/,
      ],
      [{ OTEL_TRACES_SAMPLER: "sometimes" }, /OTEL_TRACES_SAMPLER: expected parentbased/],
      [{ OTEL_TRACES_SAMPLER_ARG: "2" }, /OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1/],
    ] as const) {
      await expect(startTestProxy(environment)).rejects.toThrow(message);
    }
  });
});

describe("the log", () => {
  test("is not filled by calls that fail while nobody waits for them", async () => {
    const broken: HostAction = () => {
      throw new Error("no");
    };
    await using t = await startWithHost({ broken });
    await t.client.register([counter("incrementor", { actions: [{ name: "broken" }] })]);
    await Promise.all(
      Array.from({ length: 200 }, () => t.client.invoke("incrementor", "broken", { async: true })),
    );
    await until(() => t.host.requests.length === 200);
    const told = t.proxy.logged.filter((line) => line === "warning async-failed").length;
    expect(told).toBeGreaterThanOrEqual(10);
    expect(told).toBeLessThan(100);
  });
});

describe("secrets", () => {
  const key = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=";
  const token = "hunter2-0123456789abcdef0123456789abcdef";
  const payload = "payload-of-somebody";

  test("are in nothing that the proxy writes, answers, counts or traces", async () => {
    await using files = scratch();
    await using collector = await Collector.start();
    await using host = await TestHost.start({
      add,
      fail: () => {
        throw new Error(payload);
      },
    });
    await using proxy = await ProxyProcess.start({
      SPAWN_PROXY_LOGGER_LEVEL: "debug",
      SPAWN_TOKENS: `host python ${token}`,
      SPAWN_STATESTORE_KEY: key,
      PROXY_DATABASE_NAME: files.path("state.db"),
      PROXY_DATABASE_SECRET: "database-password",
      USER_FUNCTION_PORT: `${host.port}`,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=collector-password",
    });
    const client = proxy.client.with({ headers: { authorization: `Bearer ${token}` } });
    const heard: string[] = [];
    const hear = (answer: unknown): void => {
      heard.push(
        JSON.stringify(answer, (_, value: unknown) =>
          typeof value === "bigint" ? `${value}` : value,
        ),
      );
    };
    const actions = [{ name: "add" }, { name: "fail" }];
    hear(await client.register([counter("incrementor", { actions })]));
    await client.invoke("incrementor", "add", one);
    const secret = { payload: jsonPayload({ value: payload }), metadata: { password: payload } };
    hear(await client.invoke("incrementor", "fail", secret));
    hear(await client.invoke("incrementor", "none", secret));
    hear(await client.invoke("nobody", "add", secret));
    hear(await proxy.client.invoke("incrementor", "add", secret));
    hear(await client.post("/api/v1/system", Buffer.from(`${payload} is no registration`)));
    const wrong = { headers: { authorization: `Bearer ${token}x` } };
    hear(await proxy.client.with(wrong).send("GET", "/metrics"));
    const { body } = await client.send("GET", "/metrics");
    await proxy.kill("SIGTERM");
    const written = [...proxy.said, ...heard, ...collector.bodies, body.toString()].join("\n");
    expect(proxy.said.join("\n")).toMatch(/"event":"listening"[^]*"event":"stopped"/);
    expect(collector.spans.length).toBeGreaterThan(0);
    for (const each of [
      key,
      token,
      payload,
      "hunter2",
      "database-password",
      "collector-password",
    ]) {
      expect(written).not.toContain(each);
      expect(written).not.toContain(Buffer.from(each).toString("base64"));
    }
  });

  test("of a database are not in the refusal to start without it", async () => {
    const starting = ProxyProcess.start({
      PROXY_DATABASE_TYPE: "postgres",
      PROXY_DATABASE_HOST: "127.0.0.1",
      PROXY_DATABASE_PORT: "1",
      PROXY_DATABASE_SECRET: "database-password",
      SPAWN_STATESTORE_KEY: key,
    });
    const message = await starting.then(String, String);
    expect(message).toContain("spawn-proxy did not start");
    expect(message).not.toMatch(/database-password|q6urq6/);
  });
});
