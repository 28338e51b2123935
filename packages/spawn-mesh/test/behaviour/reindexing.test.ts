/** Making indexes anew after their declaration has changed. */
import { describe, expect, test } from "vitest";
import { actor, state } from "spawn-mesh";
import type { ActorSystem, AnyActor, Reindexing } from "spawn-mesh";
import { z } from "zod";
import { crashAndRestart, settled, startSystem } from "./start-system.ts";
import type { StartedSystem } from "./start-system.ts";

const actions = {
  put(ctx: { state: { email: string } }, email: string) {
    ctx.state.email = email;
  },
};

const before = actor("person", {
  kind: "unnamed",
  state: () => ({ email: "" }),
  index: ({ email }) => ({ email }),
  actions,
});

const after = actor("person", {
  kind: "unnamed",
  state: () => ({ email: "" }),
  index: ({ email }) => ({ host: email.split("@")[1] ?? null }),
  actions,
});

async function withPeople(count: number, next: AnyActor): Promise<StartedSystem> {
  const old = await startSystem([before]);
  for (let at = 0; at < count; at++)
    await old.system.actor(before, `p${at}`).put(`p${at}@h${at % 2}`);
  return await crashAndRestart(old, [next]);
}

async function ofHost(system: ActorSystem, host: string): Promise<number> {
  let count = 0;
  for await (const _ of system.actors.all(after, { where: { host } })) count++;
  return count;
}

/** Lets work beside the system go on until it is done. */
async function whileTimePasses<T>({ clock }: StartedSystem, work: Promise<T>): Promise<T> {
  let isOver = false;
  const done = work.finally(() => (isOver = true));
  done.catch(() => undefined);
  while (!isOver) await clock.advance(20);
  return await done;
}

describe("reindexing", () => {
  test("makes the entries of all actors anew, without a commit, and says how far it is", async () => {
    const started = await withPeople(250, after);
    const { system, store } = started;
    expect(await ofHost(system, "h1")).toBe(0);
    const progress: Reindexing[] = [];
    const options = { onProgress: (done: Reindexing) => progress.push(done) };
    const done = await whileTimePasses(started, system.reindex(after, options));
    expect(done).toEqual({
      seen: 250,
      rewritten: 250,
      overtaken: 0,
      failed: 0,
      failures: [],
      after: undefined,
    });
    expect(progress.map(({ seen }) => seen)).toEqual([100, 200, 250]);
    expect(await ofHost(system, "h1")).toBe(125);
    const old = { definition: "person", where: { email: "p1@h1" } };
    expect((await system.actors.list(old)).actors).toEqual([]);
    expect(store.commits).toEqual([]);
  });

  test("ends at once in a pause when its signal is aborted", async () => {
    const started = await withPeople(120, after);
    const abort = new AbortController();
    const { signal } = abort;
    const work = started.system.reindex(after, { signal, rowsPerSecondMax: 0.001 });
    await settled();
    abort.abort(new Error("later"));
    await expect(work).rejects.toThrow("later");
  });

  test("takes an option that is undefined for one that is not given", async () => {
    const started = await withPeople(120, after);
    const startedAt = started.clock.monotonic();
    const options = { rowsPerSecondMax: undefined, clock: undefined, after: undefined };
    await whileTimePasses(started, started.system.reindex(after, options));
    expect(started.clock.monotonic() - startedAt).toBeGreaterThanOrEqual(60);
  });

  test("goes on where it ended", async () => {
    const started = await withPeople(250, after);
    const { system } = started;
    const abort = new AbortController();
    let reached: string | undefined;
    const ended = system.reindex(after, {
      signal: abort.signal,
      onProgress(done) {
        reached = done.after;
        abort.abort(new Error("later"));
      },
    });
    await expect(whileTimePasses(started, ended)).rejects.toThrow("later");
    const rest = await whileTimePasses(started, system.reindex(after, { after: reached! }));
    expect(rest).toMatchObject({ seen: 150, rewritten: 150 });
    expect(await ofHost(system, "h0")).toBe(125);
  });

  test("leaves an actor to the commit that comes in between", async () => {
    const started = await withPeople(3, after);
    const { system, store, clock } = started;
    const hold = store.hold("load", { isApplied: true });
    const work = system.reindex(after);
    await settled();
    const put = system.actor(after, "p1").put("p1@new");
    hold.release();
    await settled();
    await clock.advance(10);
    await put;
    const done = await whileTimePasses(started, work);
    expect(done.rewritten + done.overtaken).toBe(3);
    expect(await ofHost(system, "new")).toBe(1);
    await system.actor(after, "p1").put("p1@newer");
    expect([await ofHost(system, "new"), await ofHost(system, "newer")]).toEqual([0, 1]);
  });

  test("counts states that it cannot index, and leaves them as they are", async () => {
    const strict = actor("person", {
      kind: "unnamed",
      state: state(z.object({ email: z.string() }), () => ({ email: "" })).next(
        z.object({ email: z.string() }),
        ({ email }) => {
          if (email.startsWith("p1@")) throw new Error("not this one");
          return { email };
        },
      ),
      index({ email }) {
        if (email.startsWith("p2@")) throw new Error("nor this one");
        return { email: email.toUpperCase() };
      },
      actions: {},
    });
    const started = await withPeople(4, strict);
    const done = await whileTimePasses(started, started.system.reindex(strict));
    expect(done).toMatchObject({ seen: 4, rewritten: 2, failed: 2 });
    const reasons = done.failures.map(({ actor, reason }) => `${actor.name}: ${reason}`);
    expect(reasons.toSorted()).toEqual([
      expect.stringMatching(/^p1: .*not this one/),
      expect.stringMatching(/^p2: nor this one/),
    ]);
    const names = async (email: string): Promise<number> =>
      (await started.system.find(strict, { email })).actors.length;
    expect(await Promise.all(["P0@H0", "p1@h1", "p2@h0"].map(names))).toEqual([1, 1, 1]);
  });

  test("removes the entries of a definition that declares no index any more", async () => {
    const none = actor("person", { kind: "unnamed", state: () => ({ email: "" }), actions });
    const started = await withPeople(3, none);
    await whileTimePasses(started, started.system.reindex(none));
    const query = { definition: "person", where: { email: "p1@h1" } };
    expect((await started.system.actors.list(query)).actors).toEqual([]);
  });

  test("goes on when the statestore fails for a while, and ends with the system", async () => {
    const started = await withPeople(3, after);
    started.store.fail("queries", { kind: "retry", times: 3 });
    await whileTimePasses(started, started.system.reindex(after));
    expect(await ofHost(started.system, "h1")).toBe(1);
    const hold = started.store.hold("queries");
    const work = started.system.reindex(after);
    started.system.crash();
    hold.release();
    await expect(whileTimePasses(started, work)).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
    await expect(started.system.reindex(after)).rejects.toMatchObject({ code: "SHUTTING_DOWN" });
  });

  test.each([[{ rowsPerSecondMax: 0 }], [{ after: "nonsense" }]])("refuses %j", async (options) => {
    const started = await withPeople(1, after);
    const work = started.system.reindex(after, options);
    await expect(whileTimePasses(started, work)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });
});
