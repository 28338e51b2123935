// Retry with parking: an invoice is mailed after the commit that writes it, again until it works; what
// cannot work is parked with its reason, for somebody to look at.
import { actor, external, fail } from "spawn-mesh";

interface Mail {
  readonly to: string;
  readonly text: string;
}

/** Stands for a mail server. */
export const mailServer = { isUp: true, sent: [] as string[] };

export const mailer = external("mailer", async (mail: Mail, { id }) => {
  if (!mail.to.includes("@")) return fail("no-address", mail.to); // Parked at once.
  if (!mailServer.isUp) throw new Error("connection refused"); // Tried again.
  // The id is the same at each attempt: a server that knows it can leave out what it has sent.
  if (!mailServer.sent.includes(`${id} ${mail.to}`)) mailServer.sent.push(`${id} ${mail.to}`);
  return undefined;
});

export const invoice = actor("invoice", {
  kind: "unnamed",
  state: () => ({ status: "draft", mailId: "" }),
  actions: {
    issue(ctx, to: string) {
      ctx.state.status = "issued";
      ctx.state.mailId = ctx.external(mailer, { to, text: `invoice ${ctx.self.name}` });
    },
  },
});
