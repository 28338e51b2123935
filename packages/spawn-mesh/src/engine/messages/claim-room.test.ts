import { expect, test } from "vitest";
import { VirtualClock } from "../../testing/virtual-clock.ts";
import { ClaimRoom } from "./claim-room.ts";
import { resolveLimits } from "../limits.ts";

test("a message that was claimed takes up room until it ends, or has taken long", async () => {
  const clock = new VirtualClock();
  const room = new ClaimRoom(clock, resolveLimits({ claimRowsMax: 3, slowDeliveryMs: 100 }));
  const first = room.take();
  await clock.advance(60);
  const second = room.take();
  expect(room.free).toBe(1);
  room.leave(second);
  room.leave(second);
  expect(room.free).toBe(2);
  await clock.advance(60);
  expect(room.free).toBe(3);
  room.leave(first);
  expect(room.free).toBe(3);
});
