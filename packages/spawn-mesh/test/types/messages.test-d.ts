/** What the types of messages say: ids instead of replies, payloads checked, the answer of a pipe is the last one's. */
import { expectTypeOf, test } from "vitest";
import { actor, actorSystem, effect, external, fail, reply, settle } from "spawn-mesh";

const printer = actor("printer", {
  actions: {
    print: (_ctx, page: { text: string }) => page.text.length,
    cancel: () => "cancelled",
    refuse: (_ctx, _page: { text: string }) => fail("jammed", { tray: 1 }),
  },
});

const shelf = actor("shelf", {
  kind: "unnamed",
  state: () => ({ books: 0 }),
  actions: {
    put(ctx, count: number): void {
      ctx.state.books += count;
    },
  },
});

const mailer = external("mailer", (mail: { to: string }, { id, attempt, signal }) => {
  expectTypeOf(id).toEqualTypeOf<string>();
  expectTypeOf(attempt).toEqualTypeOf<number>();
  expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
  return mail.to;
});

const desk = actor("desk", {
  state: () => ({ pages: 0 }),
  actions: {
    sends(ctx, text: string) {
      expectTypeOf(ctx.effect(printer).print({ text })).toEqualTypeOf<string>();
      expectTypeOf(ctx.effect(printer).cancel()).toEqualTypeOf<string>();
      expectTypeOf(ctx.external(mailer, { to: text })).toEqualTypeOf<string>();
      ctx.effect(shelf, "s").put(1, { delayMs: 1, id: "x" });
      // @ts-expect-error the payload has another type
      ctx.effect(shelf, "s").put("1");
      // @ts-expect-error an unnamed actor needs a name
      ctx.effect(shelf).put(1);
      // @ts-expect-error there is no such action
      ctx.effect(printer).fold({ text });
      // @ts-expect-error a mail has a recipient
      ctx.external(mailer, { text });
    },
    pipes(ctx) {
      ctx.pipe(printer, "print");
      ctx.forward(shelf, "s", "put");
      // @ts-expect-error there is no such action
      ctx.pipe(printer, "fold");
      // @ts-expect-error an unnamed actor needs a name
      ctx.pipe(shelf, "put");
    },
    built: (_ctx, text: string) =>
      reply({ text }).effects(effect(shelf, "s").put(1)).pipe(printer, "print"),
    answers: (_ctx, text: string) =>
      reply({ text }).tags({ a: "1" }).broadcast("x", 1).checkpoint(),
    refuses: (_ctx, text: string) => reply({ text }).pipe(printer, "refuse"),
    // @ts-expect-error the next actor receives what this one returns: a page has a text
    mistakes: (_ctx, text: string) => reply(text).pipe(printer, "print"),
    /** The payload of a step that takes none is not looked at. */
    cancels: (_ctx, text: string) => reply(text).pipe(printer, "cancel"),
  },
  channels: ["news", { channel: "orders", action: "sends" }],
  timers: [{ action: "pipes", everyMs: 1 }],
});

actor("typo", {
  actions: { tick() {} },
  // @ts-expect-error there is no such action
  timers: [{ action: "tock", everyMs: 1 }],
});

const system = actorSystem("types", { actors: [desk, printer, shelf], externals: [mailer] });

test("a message has an id, a piped call the answer of the last actor", () => {
  expectTypeOf(system.effect(shelf, "s").put(1)).toEqualTypeOf<Promise<string>>();
  expectTypeOf<Awaited<ReturnType<typeof built>>>().toEqualTypeOf<number>();
  expectTypeOf<Awaited<ReturnType<typeof answers>>>().toEqualTypeOf<{ text: string }>();
});

const built = () => system.actor(desk).built("x");
const answers = () => system.actor(desk).answers("x");

test("the failures of a piped call are those of the actor that answers", async () => {
  const settled = await settle(system.actor(desk).refuses("x"));
  expectTypeOf(settled.failure?.code).toEqualTypeOf<"jammed" | undefined>();
});
