/** A host as runs know it: the program beside the proxy that runs the actions of its actors, however it is reached. */
import type { Cancellation } from "spawn-mesh/engine";
import type { Spelling } from "spawn-mesh/protocol";
import type { HostAddress } from "./host-connection.ts";

/** How a host is found again: where it listens, or the program that opens a stream. */
export type HostPlace = HostAddress | { readonly stream: string };

/** What a host is asked to do. */
export interface HostCall {
  /** The action with all that it is called with, as bytes. */
  readonly body: Uint8Array;
  readonly actor: string;
  readonly action: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a host says, with a status of HTTP. */
export interface HostAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

/** The host was not reached, or has not answered. */
export class HostUnavailable extends Error {
  /** Whether the host has certainly not begun with the request. */
  readonly isUnsent: boolean;

  constructor(message: string, isUnsent: boolean) {
    super(message);
    this.isUnsent = isUnsent;
  }
}

/** The host has enough to do, and was not asked. */
export class HostIsFull extends Error {}

export interface HostProgram {
  readonly place: HostPlace;
  /** Where it listens, or that it has a stream: for people. */
  readonly name: string;
  /** Whether it certainly has to register before it can be asked for anything. */
  readonly isGone: boolean;
  /** How its SDK spells `JSONType` and `Noop`, as far as it has shown. */
  spelling: Spelling;
  /**
   * Sends what an action is called with, and answers what the host says.
   *
   * @throws {HostUnavailable}, `BadResponse`, and the reason of the cancellation when there is one
   */
  call(call: HostCall, cancellation: Cancellation): Promise<HostAnswer>;
  /** A request begins to wait for a call that its action makes: another one may take its place. */
  beginWait(): void;
  /** The wait is over; whoever took the place keeps it until it is done. */
  endWait(): void;
}
