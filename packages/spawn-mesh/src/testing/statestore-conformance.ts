/**
 * What every statestore must pass: each case is a sentence of the port's contract. Cases are data, so
 * that any test runner can run them:
 *
 *     for (const { name, run } of statestoreConformance) {
 *       test(name, () => run(async (owner, keyIds) => { …open the store of this case…; return store; }));
 *     }
 */
import { commitCases } from "./statestore-cases/commit-cases.ts";
import type { ConformanceCase } from "./statestore-cases/conformance-case.ts";
import { historyCases } from "./statestore-cases/history-cases.ts";
import { indexCases } from "./statestore-cases/index-cases.ts";
import { listingCases } from "./statestore-cases/listing-cases.ts";
import { messageCases } from "./statestore-cases/message-cases.ts";
import { messageClaimCases } from "./statestore-cases/message-claim-cases.ts";
import { messageBatchCases } from "./statestore-cases/message-batch-cases.ts";
import { messageCommitCases } from "./statestore-cases/message-commit-cases.ts";
import { messageParkingCases } from "./statestore-cases/message-parking-cases.ts";
import { messageValueCases } from "./statestore-cases/message-value-cases.ts";
import { queryCases } from "./statestore-cases/query-cases.ts";
import { refusalCases } from "./statestore-cases/refusal-cases.ts";
import { repeatedMessageCases } from "./statestore-cases/repeated-message-cases.ts";
import { replyCases } from "./statestore-cases/reply-cases.ts";
import { sealedCases } from "./statestore-cases/sealed-cases.ts";
import { sessionCases } from "./statestore-cases/session-cases.ts";
import { systemCases } from "./statestore-cases/system-cases.ts";
import { valueCases } from "./statestore-cases/value-cases.ts";

export type { ConformanceCase, OpenStatestore } from "./statestore-cases/conformance-case.ts";

/** The contract of the statestore port, sentence by sentence. */
export const statestoreConformance: readonly ConformanceCase[] = [
  ...commitCases,
  ...replyCases,
  ...historyCases,
  ...valueCases,
  ...sessionCases,
  ...listingCases,
  ...queryCases,
  ...indexCases,
  ...messageCommitCases,
  ...messageBatchCases,
  ...refusalCases,
  ...messageCases,
  ...messageClaimCases,
  ...messageParkingCases,
  ...messageValueCases,
  ...repeatedMessageCases,
  ...systemCases,
];

/**
 * What holds of values that are encrypted around a statestore: apart, because whatever encrypts them
 * itself does not pass it.
 */
export const sealedRowsConformance: readonly ConformanceCase[] = sealedCases;
