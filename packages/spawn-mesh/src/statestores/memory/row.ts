import type { IndexEntry } from "../../engine/values/index-values.ts";
import type { Sealed } from "../../engine/sealed-rows.ts";
import type {
  Codec,
  Etag,
  StateBytes,
  StoredReply,
  StoredState,
  Tags,
} from "../../engine/statestore.ts";

/** What the reference statestore keeps of an actor. */
export interface MemoryRow {
  readonly handle: number;
  etag: Etag;
  baseEtag: Etag | undefined;
  epoch: number;
  owner: string;
  isDeleted: boolean;
  keptAt: number | undefined;
  state: StateBytes | Sealed | undefined;
  codec: Codec;
  stateVersion: number;
  tags: Tags | undefined;
  revision: number;
  at: number;
  index: readonly IndexEntry[] | undefined;
  /** The oldest first. */
  history: StoredState[] | undefined;
  replies: Map<string, StoredReply> | undefined;
}
