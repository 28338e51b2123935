// A saga: a trip needs a flight and a hotel. When one of them says no, what was reserved is given back.
import { actor } from "spawn-mesh";

export const trip = actor("trip", {
  kind: "unnamed",
  state: () => ({ status: "new", reserved: [] as string[] }),
  actions: {
    book(ctx): void {
      if (ctx.state.status !== "new") return;
      ctx.state.status = "booking";
      // Stored with the state in one commit: either the trip is booking and both are asked, or neither.
      ctx.effect(stock, "flight").reserve(ctx.self.name);
      ctx.effect(stock, "hotel").reserve(ctx.self.name);
    },
    confirmed(ctx, what: string): void {
      ctx.state.reserved.push(what);
      if (ctx.state.status === "booking" && ctx.state.reserved.length === 2) {
        ctx.state.status = "booked";
      } else if (ctx.state.status === "cancelled") {
        ctx.effect(stock, what).giveBack();
      }
    },
    refused(ctx, _what: string): void {
      ctx.state.status = "cancelled";
      for (const reserved of ctx.state.reserved) ctx.effect(stock, reserved).giveBack();
    },
  },
});

export const stock = actor("stock", {
  kind: "unnamed",
  state: () => ({ left: 0 }),
  actions: {
    fill(ctx, places: number): void {
      ctx.state.left += places;
    },
    reserve(ctx, by: string): void {
      if (ctx.state.left === 0) return void ctx.effect(trip, by).refused(ctx.self.name);
      ctx.state.left--;
      ctx.effect(trip, by).confirmed(ctx.self.name);
    },
    giveBack(ctx): void {
      ctx.state.left++;
    },
  },
});
