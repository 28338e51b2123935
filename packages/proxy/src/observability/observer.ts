/** Sees every invocation from outside and every call of a host, and tells metrics and traces of them. */
import { isSpawnError } from "spawn-mesh/engine";
import type { CallOptions } from "spawn-mesh/engine";
import type { Log } from "./log.ts";
import type { ProxyMetrics } from "./proxy-metrics.ts";
import { traceContextIn, withTraceContext } from "./trace-context.ts";
import type { TraceContext } from "./trace-context.ts";
import type { SpanStart, Tracer } from "./tracer.ts";

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

/** How something that was observed came to its end. */
interface Ending {
  /** `ok`, or what went wrong, in a word. */
  readonly outcome: string;
  readonly ms: number;
  readonly context: TraceContext | undefined;
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
  invocation<Value>(
    observed: ObservedInvocation,
    invoke: (options: CallOptions) => Promise<Value>,
  ): Promise<Value> {
    const { options, system, name, action, from = "external" } = observed;
    const { metadata = NO_METADATA } = options;
    const span: SpanStart = {
      name: "client invoke",
      kind: "server",
      parent: traceContextIn(metadata),
      attributes: {
        from,
        system_name: system,
        actor_name: name,
        target: action,
        async: options.async === true,
      },
    };
    const invokeWithin = (context: TraceContext | undefined): Promise<Value> => {
      const isSame = context === undefined || context === span.parent;
      return invoke(
        isSame ? options : { ...options, metadata: withTraceContext(metadata, context) },
      );
    };
    this.#metrics?.begun();
    return this.#within(span, invokeWithin, ({ outcome, ms, context }) => {
      const labels = { ...observed.registered(), outcome };
      this.#metrics?.ended(labels, ms / 1_000);
      this.#log?.("debug", "invoked", { ...labels, name, from, ms, trace: context?.traceparent });
      if (outcome === "UNAUTHORIZED") this.#metrics?.refused("denied");
    });
  }

  /** Calls a host, with the context that it is told. */
  hostCall<Value>(
    { host, actor, action, metadata }: ObservedHostCall,
    call: (context: TraceContext | undefined) => Promise<Value>,
  ): Promise<Value> {
    const span: SpanStart = {
      name: "invoke-host",
      kind: "client",
      parent: traceContextIn(metadata),
      attributes: { actor_name: actor, target: action, "server.address": host },
    };
    return this.#within(span, call, ({ outcome, ms }) =>
      this.#metrics?.hostCalled(host, outcome, ms / 1_000),
    );
  }

  /** Does something within a span, and tells how it ended. */
  async #within<Value>(
    start: SpanStart,
    run: (context: TraceContext | undefined) => Promise<Value>,
    ended: (ending: Ending) => void,
  ): Promise<Value> {
    const span = this.#tracer.begin(start);
    const startedAt = performance.now();
    let failure: string | undefined;
    try {
      return await run(span.context);
    } catch (error) {
      failure = codeOf(error);
      throw error;
    } finally {
      span.end(failure);
      const ms = performance.now() - startedAt;
      ended({ outcome: failure ?? "ok", ms, context: span.context });
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
