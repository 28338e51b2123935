/** The contract of the port and the model, as tests of one kind of statestore. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Statestore } from "../../src/engine/statestore.ts";
import {
  type EncryptionOptions,
  encryptedStatestore,
} from "../../src/statestores/encrypted/index.ts";
import {
  sealedRowsConformance,
  statestoreConformance,
  type OpenStatestore,
} from "../../src/testing/statestore-conformance.ts";
import { runStatestoreModel } from "../../src/testing/statestore-model.ts";
import type { TestDatabase, TestDatabaseServer } from "../servers/test-database.ts";

export const encryption: EncryptionOptions = { keys: { key: randomBytes(32) }, required: true };

/** Statements take their time while other tests run. */
export const statementTimeoutMs = 30_000;

const FIXED_SEEDS = [1, 2, 582_877_790, 993_007_826];

/** Drawn anew in each run; `SPAWN_TEST_SEED` replays one. */
const drawnSeeds = drawSeeds(process.env);

function drawSeeds({ SPAWN_TEST_SEED, SPAWN_TEST_ALL }: NodeJS.ProcessEnv): readonly number[] {
  if (SPAWN_TEST_SEED !== undefined) return [Number(SPAWN_TEST_SEED)];
  const length = SPAWN_TEST_ALL === "1" ? 30 : 1;
  return Array.from({ length }, () => Math.floor(Math.random() * 2 ** 31));
}

/** Opens a statestore for a session of a case. */
export async function opened(
  store: Statestore,
  owner: string,
  keyIds: readonly string[] = [],
): Promise<Statestore> {
  await store.open({ owner, keyIds });
  return store;
}

/** A statestore on each place of a server, as it is and with encryption; skipped by name without the server. */
export function checkServer(database: TestDatabase, connect: (url: string) => Statestore): void {
  if (database.missing !== undefined) {
    test.skip(`${database.name} statestore, which needs ${database.missing}`, () => undefined);
    return;
  }
  describe.concurrent(`${database.name} statestore`, () => {
    let server: TestDatabaseServer;
    beforeAll(async () => {
      server = await database.start();
    });
    afterAll(() => server.stop());

    const emptyPlaces: string[] = [];
    /** Making the tables takes longer than most cases, so one leaves its place to the next. */
    const inEmptyPlace = async (run: (url: string) => Promise<void>): Promise<void> => {
      const url = emptyPlaces.pop() ?? (await server.createPlace());
      await run(url);
      // What failed may still be there.
      await server.emptyPlace(url);
      emptyPlaces.push(url);
    };

    checkKeeping((run) =>
      inEmptyPlace((url) => run((owner, keyIds) => opened(connect(url), owner, keyIds))),
    );

    describe("with encryption", () => {
      checkEncrypted((run) =>
        inEmptyPlace((url) =>
          run((owner) => opened(encryptedStatestore(connect(url), encryption), owner)),
        ),
      );
    });
  });
}

/** Runs a case with a way to open a statestore that is empty at first. */
type OnEmptyStatestore = (run: (open: OpenStatestore) => Promise<void>) => Promise<void>;

/** A statestore that keeps what it is given, sealed or not. */
export function checkKeeping(onEmpty: OnEmptyStatestore): void {
  checkContract(onEmpty, [...FIXED_SEEDS, ...drawnSeeds]);
  for (const { name, run } of sealedRowsConformance) test(name, () => onEmpty(run));
}

/** A statestore that encrypts what another one keeps. */
export function checkEncrypted(onEmpty: OnEmptyStatestore): void {
  checkContract(onEmpty, drawnSeeds);
}

function checkContract(onEmpty: OnEmptyStatestore, seeds: readonly number[]): void {
  for (const { name, run } of statestoreConformance) test(name, () => onEmpty(run));

  for (const seed of seeds) {
    test(`answers as the model does, seed ${seed}`, () =>
      onEmpty((open) => runStatestoreModel({ open, random: seededRandom(seed) })));
  }
}

/** mulberry32: a small generator that a seed determines. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
