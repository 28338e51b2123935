/** Sees every invocation from outside and every call of a host, and tells metrics and traces of them. */
import { isSpawnError } from "spawn-mesh/engine";
import type { CallOptions } from "spawn-mesh/engine";
import type { Log } from "./log.ts";
import type { ProxyMetrics } from "./proxy-metrics.ts";
import { traceContextIn, withTraceContext } from "./trace-context.ts";
import type { TraceContext } from "./trace-context.ts";
import type { Tracer } from "./tracer.ts";

/** What is observed of an invocation. */
export interface ObservedInvocation {
  readonly system: string;
  readonly name: string;
  readonly action: string;
  readonly options: CallOptions;
  /** In whose name it is made, as far as the request says. */
  readonly from: string | undefined;
  readonly registered: () => RegisteredNames;
}

/** Names as hosts have registered them; what nobody has registered is empty. */
export interface RegisteredNames {
  readonly system: string;
  readonly actor: string;
  readonly action: string;
}

/** What is observed of the call of a host. */
export interface ObservedHostCall {
  readonly host: string;
  readonly actor: string;
  readonly action: string;
  readonly metadata: Readonly<Record<string, string>>;
}

const NO_METADATA: Readonly<Record<string, string>> = {};

export interface ObserverParts {
  /** `undefined` when nothing is counted. */
  readonly metrics: ProxyMetrics | undefined;
  readonly tracer: Tracer;
  /** Where each invocation is told; `undefined` when that is too much. */
  readonly log: Log | undefined;
}

export class Observer {
  readonly #metrics: ProxyMetrics | undefined;
  readonly #tracer: Tracer;
  readonly #log: Log | undefined;

  constructor({ metrics, tracer, log }: ObserverParts) {
    this.#metrics = metrics;
    this.#tracer = tracer;
    this.#log = log;
  }

  /** Makes an invocation, with the options that its parts are to have. */
  async invocation<Value>(
    observed: ObservedInvocation,
    invoke: (options: CallOptions) => Promise<Value>,
  ): Promise<Value> {
    const { options, system, name, action, from = "external" } = observed;
    const { metadata = NO_METADATA } = options;
    const parent = traceContextIn(metadata);
    const span = this.#tracer.begin({
      name: "client invoke",
      kind: "server",
      parent,
      attributes: {
        from,
        system_name: system,
        actor_name: name,
        target: action,
        async: options.async === true,
      },
    });
    const { context } = span;
    const isSame = context === undefined || context === parent;
    const inTrace = isSame
      ? options
      : { ...options, metadata: withTraceContext(metadata, context) };
    const startedAt = performance.now();
    this.#metrics?.begun();
    let failure: string | undefined;
    try {
      return await invoke(inTrace);
    } catch (error) {
      failure = codeOf(error);
      throw error;
    } finally {
      span.end(failure);
      const labels = { ...observed.registered(), outcome: failure ?? "ok" };
      const ms = performance.now() - startedAt;
      this.#metrics?.ended(labels, ms / 1_000);
      this.#log?.("debug", "invoked", { ...labels, name, from, ms, trace: context?.traceparent });
      if (failure === "UNAUTHORIZED") this.#metrics?.refused("denied");
    }
  }

  /** Calls a host, with the context that it is told. */
  async hostCall<Value>(
    { host, actor, action, metadata }: ObservedHostCall,
    call: (context: TraceContext | undefined) => Promise<Value>,
  ): Promise<Value> {
    const span = this.#tracer.begin({
      name: "invoke-host",
      kind: "client",
      parent: traceContextIn(metadata),
      attributes: { actor_name: actor, target: action, "server.address": host },
    });
    const startedAt = performance.now();
    let failure: string | undefined;
    try {
      return await call(span.context);
    } catch (error) {
      failure = codeOf(error);
      throw error;
    } finally {
      span.end(failure);
      this.#metrics?.hostCalled(host, failure ?? "ok", (performance.now() - startedAt) / 1_000);
    }
  }

  /** Somebody who gave no proof was turned away. */
  unproven(): void {
    this.#metrics?.refused("unproven");
  }
}

/** A word of a closed set, for labels. */
function codeOf(error: unknown): string {
  return isSpawnError(error) ? error.code : "failed";
}
