/** What a service says about its actor with the option `(spawn.actors.actor)`. */
import {
  create,
  getOption,
  hasOption,
  type DescService,
  type FileRegistry,
} from "@bufbuild/protobuf";
import {
  actorOption,
  ActorDeactivationStrategySchema,
  ActorSettingsSchema,
  ActorSnapshotStrategySchema,
  ProjectionSettingsSchema,
  type ActorOpts,
  type ActorSettings,
  type ProjectionSettings,
  type Registration,
} from "spawn-mesh/protocol";

/** The services that are actors. */
export function actorServices(registry: FileRegistry): readonly DescService[] {
  return [...registry].filter(
    (type): type is DescService => type.kind === "service" && hasOption(type, actorOption),
  );
}

/** The options of the services that are actors, by the name of the actor. */
export function actorOptions(services: readonly DescService[]): ReadonlyMap<string, ActorOpts> {
  return new Map(services.map((service) => [service.name, getOption(service, actorOption)]));
}

/** A registration in which actors with a service have its options. */
export function withActorOptions(
  registration: Registration,
  options: ReadonlyMap<string, ActorOpts>,
): Registration {
  const actors = registration.actors.map((actor) => {
    const own = options.get(actor.key);
    return own === undefined
      ? actor
      : { ...actor, settings: mergeActorOptions(actor.settings, own) };
  });
  return { ...registration, actors };
}

/**
 * The settings that a host registered, with what the service says instead. An option that is not set
 * changes nothing, and neither does a timeout of 0.
 */
export function mergeActorOptions(settings: ActorSettings, options: ActorOpts): ActorSettings {
  const { kind, stateful, stateType, deactivateTimeout, snapshotInterval } = options;
  const projectionSettings = mergeProjection(settings.projectionSettings, options);
  return create(ActorSettingsSchema, {
    ...settings,
    ...(kind !== undefined && { kind }),
    ...(stateful !== undefined && { stateful }),
    ...(stateType !== undefined && { stateType }),
    ...(deactivateTimeout && {
      deactivationStrategy: create(ActorDeactivationStrategySchema, timeoutOf(deactivateTimeout)),
    }),
    ...(snapshotInterval && {
      snapshotStrategy: create(ActorSnapshotStrategySchema, timeoutOf(snapshotInterval)),
    }),
    ...(projectionSettings && { projectionSettings }),
  });
}

const timeoutOf = (timeout: bigint) => ({
  strategy: { case: "timeout" as const, value: { timeout } },
});

function mergeProjection(
  settings: ProjectionSettings | undefined,
  options: ActorOpts,
): ProjectionSettings | undefined {
  const { subjects, sourceable, strictEventsOrdering, eventsRetentionStrategy } = options;
  const said = {
    ...(subjects.length > 0 && { subjects }),
    ...(sourceable !== undefined && { sourceable }),
    ...(strictEventsOrdering !== undefined && { strictEventsOrdering }),
    ...(eventsRetentionStrategy && { eventsRetentionStrategy }),
  };
  if (Object.keys(said).length === 0) return settings;
  return create(ProjectionSettingsSchema, {
    ...(settings ?? create(ProjectionSettingsSchema)),
    ...said,
  });
}
