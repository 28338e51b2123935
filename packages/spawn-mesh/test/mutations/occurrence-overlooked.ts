import type { Mutation } from "../../../../scripts/apply-mutation.ts";

/** The next occurrence of a repeated message is taken for the one whose answer is on its way. */
export const mutation: Mutation = {
  invariant: "I14",
  target: "engine/messages/outbox.ts",
  find: "        if (known.sentAt !== message.sentAt) underWay.follower = message;\n",
  replace: "        if (known.id !== message.id) underWay.follower = message;\n",
  noticedBy: {
    project: "unit",
    file: "sweeper.test.ts",
    test: "^the sweeper > finds the next occurrence of a repeated message before the last is known to be over, and delivers it right then$",
  },
};
