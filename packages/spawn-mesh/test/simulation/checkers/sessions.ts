/**
 * I10, seen from the database: an incarnation has at most one commit of an actor in flight, and after
 * it was shown another etag than it knew it commits nothing on top of the old one.
 *
 * The etag that an incarnation may commit on is the one of its own last commit that was answered
 * with success, or of a row that it was shown; when a commit is refused, all of these are gone. (A row
 * is also asked for to learn how many messages are left, so the one that was shown last is not always
 * the one that counts.) A commit whose answer was lost may only be repeated as it is, until the row was
 * shown.
 */
import type { Etag } from "../../../src/engine/statestore.ts";
import type { RunLog, SessionEvent, Violation } from "../run-log.ts";

interface Session {
  readonly inFlight: Set<Etag>;
  /** Its own last commit, and rows that it was shown. */
  readonly known: Set<Etag | undefined>;
  /** The commit whose answer was lost, until the row was shown. */
  doubtful: Etag | undefined;
}

export function checkSessions({ sessions }: Pick<RunLog, "sessions">): readonly Violation[] {
  const byActor = new Map<string, Session>();
  return sessions.flatMap((event) => {
    const key = `${event.owner} ${event.actor}`;
    const session: Session = byActor.get(key) ?? {
      inFlight: new Set(),
      known: new Set(),
      doubtful: undefined,
    };
    byActor.set(key, session);
    return follow(session, event);
  });
}

function follow(session: Session, event: SessionEvent): readonly Violation[] {
  switch (event.type) {
    case "sent":
      return sent(session, event);
    case "answered":
      session.inFlight.delete(event.etag);
      if (event.isCommitted) {
        session.known.clear();
        session.known.add(event.etag);
        session.doubtful = undefined;
      } else {
        session.known.clear();
        session.doubtful = event.etag;
      }
      return [];
    case "failed":
      session.inFlight.delete(event.etag);
      if (event.isAmbiguous) session.doubtful = event.etag;
      return [];
    case "impossible":
      session.inFlight.delete(event.etag);
      session.doubtful = undefined;
      return [];
    case "shown":
      session.known.add(event.etag);
      session.doubtful = undefined;
      return [];
  }
}

function sent(
  session: Session,
  event: SessionEvent & { readonly type: "sent" },
): readonly Violation[] {
  const who = `${event.owner} on ${event.actor}`;
  const violations: Violation[] = [];
  if (session.inFlight.size > 0) {
    violations.push({ invariant: "I10", what: `${who}: two commits in flight` });
  }
  if (session.doubtful !== undefined && session.doubtful !== event.etag) {
    violations.push({ invariant: "I10", what: `${who}: a new commit while one is in doubt` });
  } else if (!session.known.has(event.previous)) {
    violations.push({ invariant: "I10", what: `${who}: a commit on top of an etag that is gone` });
  }
  session.inFlight.add(event.etag);
  return violations;
}
