/** Databases with a server when somebody else has changed the rows in them. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { Statestore } from "../../src/engine/statestore.ts";
import type { EngineEvent } from "../../src/sdk/index.ts";
import {
  actorNamed,
  apply,
  createActor,
  deletion,
  loadRow,
} from "../../src/testing/statestore-cases/commit-fixtures.ts";
import type { OwnServer } from "../servers/test-database.ts";
import { counter, serverKinds, startSystem } from "./server-kinds.ts";

const ann = actorNamed("ann");

for (const kind of serverKinds) {
  const { database } = kind;
  describe.skipIf(database.missing !== undefined)(
    `${database.name} with rows that somebody changed`,
    () => {
      let server: OwnServer;
      beforeAll(async () => {
        server = await kind.start();
      });
      afterAll(() => server.stop());

      async function open(url: string): Promise<Statestore> {
        const store = kind.connect({ url, connectionsMax: 3 });
        await store.open({ owner: "session-1" });
        onTestFinished(() => store.close());
        return store;
      }

      test.each([
        ["a state that is no text", `state = ${kind.noText}`, "a stored text is not UTF-8"],
        ["tags that are no JSON", "tags = '{'", "the stored tags are damaged"],
        ["a state in a codec that it does not know", "codec = 1", "a codec with the number 1"],
      ])(
        "says of %s that it cannot read it, and lets it be deleted",
        async (_, change, problem) => {
          const url = await server.createPlace();
          const store = await open(url);
          await createActor(store, ann);
          const carl = await createActor(store, actorNamed("carl"));
          await kind.administer(url, `UPDATE spawn_actor SET ${change} WHERE name = 'ann'`);
          const row = await loadRow(store, ann);
          expect(row).toMatchObject({ problem: expect.stringContaining(problem), revision: 1 });
          expect([row?.state, row?.tags]).toEqual([undefined, undefined]);
          expect(await loadRow(store, actorNamed("carl"))).toEqual(carl);
          await apply(store, deletion(ann, row));
          expect(await loadRow(store, ann)).toMatchObject({ isDeleted: true, tags: undefined });
        },
      );

      test("refuses a row of another name, and loads the others", async () => {
        const url = await server.createPlace();
        const store = await open(url);
        await createActor(store, ann);
        const carl = await createActor(store, actorNamed("carl"));
        await kind.administer(url, "UPDATE spawn_actor SET name = 'bob' WHERE name = 'ann'");
        await expect(loadRow(store, ann)).rejects.toMatchObject({ code: "KEY_COLLISION" });
        expect(await loadRow(store, actorNamed("carl"))).toEqual(carl);
      });

      test.each([
        ["an older copy of its row", 2, 12],
        ["a copy from before it was there", 0, 10],
      ])(
        "raises an alarm when %s is restored while its owner lives, and goes on from that",
        async (_, callsBefore, total) => {
          const url = await server.createPlace();
          const events: EngineEvent[] = [];
          await using system = await startSystem(kind, url, {
            onEvent: (event) => events.push(event),
          });
          const ref = system.actor(counter, "kept");
          for (let call = 0; call < callsBefore; call++) await ref.add(1);
          await kind.administer(url, "CREATE TABLE copied AS SELECT * FROM spawn_actor");
          for (let call = 0; call < 3; call++) await ref.add(1);
          await kind.administer(url, "DELETE FROM spawn_actor");
          await kind.administer(url, "INSERT INTO spawn_actor SELECT * FROM copied");
          // Whether this one is in the restored row or not, nobody can tell.
          await expect(ref.add(10)).rejects.toMatchObject({ code: "UNKNOWN_OUTCOME" });
          expect(await ref.add(10)).toBe(total);
          expect(events).toContainEqual({
            type: "store-rollback",
            actor: { system: "shop", definition: "counter", name: "kept" },
            known: callsBefore + 3,
            stored: callsBefore,
          });
        },
      );
    },
  );
}
