/** For users: an actor system to test with. For authors of statestores: what every one must pass. */
// For users.
export { testActorSystem, TestActorSystem } from "./test-actor-system.ts";
export type { TestActorSystemOptions } from "./test-actor-system.ts";
export { VirtualClock } from "./virtual-clock.ts";
export type { VirtualClockOptions } from "./virtual-clock.ts";
export { seededRandom } from "./seeded-random.ts";
export { FaultyStatestore } from "./faulty-statestore.ts";
export type { StatestoreFault, StatestoreHold, StatestoreOperation } from "./faulty-statestore.ts";
// For authors of statestores.
export { sealedRowsConformance, statestoreConformance } from "./statestore-conformance.ts";
export type { ConformanceCase, OpenStatestore } from "./statestore-conformance.ts";
export { runStatestoreModel } from "./statestore-model.ts";
export type { StatestoreModelOptions } from "./statestore-model.ts";
