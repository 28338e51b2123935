/** What is kept when a proxy ends, however it does. */
import { expect, test } from "vitest";
import { add, counter, one } from "../fixtures/counter.ts";
import { ProxyProcess, scratch } from "../fixtures/proxy-process.ts";
import { TestHost } from "../fixtures/test-host.ts";
import type { HostAction } from "../fixtures/test-host.ts";
import { jsonIn } from "../fixtures/values.ts";
import type { WireClient } from "../fixtures/wire-client.ts";

interface Life {
  readonly add?: HostAction;
  readonly environment?: Readonly<Record<string, string>>;
  /** What ends it, and the status that it has then. */
  readonly end: { readonly signal: NodeJS.Signals; readonly status: number | null };
}

/** A proxy lives with its host until it is ended, and another one goes on in its place; answers the total then. */
async function totalAfter(
  { add: action = add, environment = {}, end }: Life,
  use: (client: WireClient) => Promise<unknown>,
): Promise<unknown> {
  await using host = await TestHost.start({ add: action });
  await using files = scratch();
  const start = async (): Promise<ProxyProcess> => {
    const proxy = await ProxyProcess.start({
      USER_FUNCTION_PORT: `${host.port}`,
      PROXY_DATABASE_NAME: files.path("state.db"),
      ...environment,
    });
    await proxy.client.register([counter("incrementor")]);
    return proxy;
  };
  {
    await using proxy = await start();
    await use(proxy.client);
    expect(await proxy.kill(end.signal)).toBe(end.status);
  }
  await using proxy = await start();
  return jsonIn(await proxy.client.invoke("incrementor", "get"));
}

const WRITE_BEHIND = { SPAWN_DURABILITY: "write-behind" };
const KILLED = { signal: "SIGKILL", status: null } as const;
const TOLD = { signal: "SIGTERM", status: 0 } as const;
const PATIENTLY = { timeout: 60_000 };

test("a call that was answered is stored: the proxy can be killed", PATIENTLY, async () => {
  const total = await totalAfter({ end: KILLED }, async (client) => {
    await client.invoke("incrementor", "add", one);
    await client.invoke("incrementor", "add", one);
  });
  expect(total).toEqual({ total: 2 });
});

test("write-behind states are stored when the proxy is told to end", PATIENTLY, async () => {
  const life = { environment: WRITE_BEHIND, end: TOLD };
  const total = await totalAfter(life, (client) => client.invoke("incrementor", "add", one));
  expect(total).toEqual({ total: 1 });
});

test("a checkpoint is stored before it is answered, and answered well", PATIENTLY, async () => {
  const adding: HostAction = async (call) => ({ ...(await add(call)), checkpoint: true });
  const life = { add: adding, environment: WRITE_BEHIND, end: KILLED };
  const total = await totalAfter(life, async (client) => {
    expect(jsonIn(await client.invoke("incrementor", "add", one))).toEqual({ total: 1 });
  });
  expect(total).toEqual({ total: 1 });
});
