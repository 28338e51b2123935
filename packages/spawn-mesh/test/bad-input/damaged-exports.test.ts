/** Exports of a file in which something cannot be read. */
import { describe, expect, test } from "vitest";
import { actorSystem } from "spawn-mesh";
import { encryptedStatestore } from "spawn-mesh/encryption";
import { memoryStatestore } from "spawn-mesh/memory";
import { sqliteStatestore } from "spawn-mesh/sqlite";
import { importSystem } from "spawn-mesh/transfer";
import type { UnreadableRow } from "spawn-mesh/transfer";
import { errorOf } from "../behaviour/start-system.ts";
import {
  annState,
  bytesOf,
  counter,
  door,
  fileWithTwo,
  flipped,
  keys,
  of,
  run,
  start,
} from "./encrypted-file.ts";

describe("an export of a file with a damaged value", () => {
  test.each<[string, string, object, string]>([
    ["a state, in clear", annState(`state = ${flipped("state", 30)}`), { inClear: true }, "state"],
    ["tags", annState("tags = '{'"), {}, "state"],
    ["a codec", annState("codec = 3"), {}, "state"],
    [
      "a stored reply, in clear",
      `UPDATE spawn_inbox SET reply = ${flipped("reply", 30)} WHERE actor_id = ${of("ann")}`,
      { inClear: true },
      "reply",
    ],
  ])("(%s) ends there, or goes on and says so to who imports it", async (...damage) => {
    const [, to, options, kind] = damage;
    const file = await fileWithTwo();
    run(file, to);
    const system = await start(file);
    const what = new RegExp(`${kind} of test/counter/ann`);
    const ended = await errorOf(bytesOf(system.export(options)));
    expect(ended).toMatchObject({ code: "STATE_CORRUPT", message: expect.stringMatching(what) });
    const told: UnreadableRow[] = [];
    const onUnreadable = (row: UnreadableRow): number => told.push(row);
    const stream = await bytesOf(system.export({ ...options, onUnreadable }));
    expect(told).toMatchObject([{ what: expect.stringMatching(what) }]);
    await system.stop();

    for (const target of [memoryStatestore(), sqliteStatestore({ file: `${file}.target` })]) {
      const into = encryptedStatestore(target, { keys });
      expect(await importSystem(into, [stream], { system: "test" })).toMatchObject({
        unreadable: 1,
      });
      const next = actorSystem("test", {
        actors: [counter, door],
        statestore: into,
        handleSignals: false,
      });
      await next.start();
      const call = next.actor(counter, "ann").add(1);
      if (kind === "state") {
        expect((await errorOf(call)).message).toContain("the row has lost its state");
        await next.stored(counter, "ann").restore(1);
        expect(await next.actor(counter, "ann").add(1)).toBe(2);
        await next.stored(counter, "ann").delete();
      } else {
        expect(await call).toBe(3);
      }
      expect(await next.actor(counter, "bob").add(1)).toBe(3);
      await next.stop();
    }
  });
});
