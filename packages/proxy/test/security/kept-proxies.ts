/** Proxies one after the other, with the same file for what they keep. */
import { add, counter } from "../fixtures/counter.ts";
import { scratch } from "../fixtures/proxy-process.ts";
import { startTestProxy } from "../fixtures/start-proxy.ts";
import { TestHost } from "../fixtures/test-host.ts";
import type { WireClient } from "../fixtures/wire-client.ts";

/** Actors that a host of theirs registers. */
export const two = [counter("incrementor"), counter("joe")];

export async function startKept() {
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
