/** Methods as gRPC and HTTP serve them alike: encoded messages in, encoded messages out. */
import type { DescMethod } from "@bufbuild/protobuf";
import type { Identity } from "../security/identity.ts";

/** What a request says about itself besides its message. */
export interface RequestFacts {
  /** Who makes it. */
  readonly identity: Identity;
  readonly metadata: Readonly<Record<string, string>>;
  /** What the caller is still ready to wait, in milliseconds; undefined: it did not say. */
  readonly deadlineMs: number | undefined;
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal;
}

export interface ServedMethod {
  readonly method: DescMethod;
  /** Whether it answers without asking who makes the request. */
  readonly isPublic?: boolean;
  /** Answers one message. Rejects with a `SpawnError`. */
  readonly answer: (message: Uint8Array, facts: RequestFacts) => Promise<Uint8Array>;
}
