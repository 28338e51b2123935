// Retry and parking under test.
import { testActorSystem } from "spawn-mesh/testing";
import { beforeEach, expect, test } from "vitest";
import { invoice, mailServer, mailer } from "./invoices.ts";

beforeEach(() => {
  mailServer.isUp = true;
  mailServer.sent = [];
});

test("a mail goes out once, though the server was down and the process died", async () => {
  await using system = await testActorSystem({ actors: [invoice], externals: [mailer] });
  mailServer.isUp = false;

  await system.actor(invoice, "1").issue("ann@example.com");
  await system.advance(2_000);
  await system.crash();
  mailServer.isUp = true;
  await system.advance(60_000);

  expect(mailServer.sent).toHaveLength(1);
  expect(await system.messages.list()).toEqual([]);
});

test("what cannot be sent is parked with its reason, and is sent after all or forgotten", async () => {
  await using system = await testActorSystem({ actors: [invoice], externals: [mailer] });

  await system.actor(invoice, "2").issue("nobody");
  await system.advance(10);
  const [parked] = await system.messages.listParked();

  expect(parked?.error).toContain("no-address");
  expect(parked?.source?.name).toBe("2");
  expect(await system.messages.discard(parked!.id)).toEqual([parked!.id]);
});
