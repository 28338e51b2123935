import { create, fromJson, type JsonObject } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  ActorOptsSchema,
  ActorSettingsSchema,
  Kind,
  readRegistration,
  RegistrationRequestSchema,
} from "spawn-mesh/protocol";
import { mergeActorOptions, withActorOptions } from "./actor-options.ts";

const settings = create(ActorSettingsSchema, {
  kind: Kind.NAMED,
  stateful: true,
  stateType: "json",
  minPoolSize: 2,
  deactivationStrategy: { strategy: { case: "timeout", value: { timeout: 30_000n } } },
  snapshotStrategy: { strategy: { case: "timeout", value: { timeout: 10_000n } } },
});

const merged = (options: JsonObject) =>
  mergeActorOptions(settings, fromJson(ActorOptsSchema, options));

describe("options of a service", () => {
  test("that are not set change nothing", () => {
    expect(merged({})).toEqual(settings);
  });

  test.each([
    [{ kind: "UNNAMED" }, { kind: Kind.UNNAMED }],
    [{ stateful: false }, { stateful: false }],
    [{ stateType: "shop.Total" }, { stateType: "shop.Total" }],
  ])("change what they say: %j", (options, expected) => {
    expect(merged(options)).toEqual({ ...settings, ...expected });
  });

  test("change timeouts, and a timeout of 0 says nothing", () => {
    const changed = merged({ deactivateTimeout: "5", snapshotInterval: "0" });
    expect(changed.deactivationStrategy?.strategy).toMatchObject({ value: { timeout: 5n } });
    expect(changed.snapshotStrategy).toEqual(settings.snapshotStrategy);
  });

  test("make settings of a projection where a host sent none", () => {
    expect(merged({ sourceable: true }).projectionSettings).toMatchObject({
      sourceable: true,
      subjects: [],
    });
    const before = mergeActorOptions(settings, fromJson(ActorOptsSchema, { sourceable: true }));
    const after = mergeActorOptions(
      before,
      fromJson(ActorOptsSchema, { strictEventsOrdering: true }),
    );
    expect(after.projectionSettings).toMatchObject({
      sourceable: true,
      strictEventsOrdering: true,
    });
  });

  test("are those of the actor with the key of the registry", () => {
    const registration = readRegistration(
      create(RegistrationRequestSchema, {
        actorSystem: { registry: { actors: { Cart: { id: { name: "Cart" } }, Other: {} } } },
      }),
    );
    const options = new Map([["Cart", fromJson(ActorOptsSchema, { kind: "UNNAMED" })]]);
    const [cart, other] = withActorOptions(registration, options).actors;
    expect(cart?.settings.kind).toBe(Kind.UNNAMED);
    expect(other?.settings.kind).toBe(Kind.UNKNOW_KIND);
  });
});
