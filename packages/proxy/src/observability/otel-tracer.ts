/**
 * Spans for an OpenTelemetry collector, with the official SDK: its batches, its limits, its exporter.
 *
 * Loaded only when a collector is configured. The SDK is an optional dependency, because it is larger
 * than all others together.
 */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  defaultTextMapGetter,
  defaultTextMapSetter,
  trace,
} from "@opentelemetry/api";
import type { Context } from "@opentelemetry/api";
import { setTimeout as sleep } from "node:timers/promises";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Sampler } from "@opentelemetry/sdk-trace";
import { traceContextIn } from "./trace-context.ts";
import type { TraceContext } from "./trace-context.ts";
import type { TelemetryConfig } from "./telemetry-config.ts";
import type { Tracer } from "./tracer.ts";

const propagator = new W3CTraceContextPropagator();
const kinds = { server: SpanKind.SERVER, client: SpanKind.CLIENT };

/** How long the end of the proxy waits for a collector to take what is left, in milliseconds. */
const LAST_EXPORT_MS_MAX = 2_000;

export interface OtelTracerOptions extends Pick<
  TelemetryConfig,
  "serviceName" | "sampler" | "sampledShare"
> {
  /** Where the collector takes spans. Headers and timeouts the exporter reads from its own variables. */
  readonly url: string;
}

export function otelTracer({ url, serviceName, sampler, sampledShare }: OtelTracerOptions): Tracer {
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": serviceName }),
    sampler: samplerOf(sampler, sampledShare),
    spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }) })],
  });
  const tracer = provider.getTracer("@spawn-mesh/proxy");
  return {
    begin({ name, kind, parent, attributes }) {
      const within = contextOf(parent);
      const span = tracer.startSpan(name, { kind: kinds[kind], attributes }, within);
      return {
        context: traceContextOf(trace.setSpan(within, span)),
        end(failure) {
          if (failure !== undefined) {
            span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
          }
          span.end();
        },
      };
    },
    async stop() {
      // Whether a collector is there is no matter of those who are served.
      const exported = provider.shutdown().catch(() => undefined);
      await Promise.race([exported, sleep(LAST_EXPORT_MS_MAX, undefined, { ref: false })]);
    },
  };
}

function contextOf(parent: TraceContext | undefined): Context {
  return parent === undefined
    ? ROOT_CONTEXT
    : propagator.extract(ROOT_CONTEXT, parent, defaultTextMapGetter);
}

function traceContextOf(context: Context): TraceContext | undefined {
  const fields: Record<string, string> = {};
  propagator.inject(context, fields, defaultTextMapSetter);
  return traceContextIn(fields);
}

function samplerOf(name: TelemetryConfig["sampler"], share: number): Sampler {
  const [, isParentBased, root] = /^(parentbased_)?(.*)$/.exec(name) as unknown as string[];
  const roots: Readonly<Record<string, () => Sampler>> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(share),
  };
  const own = roots[root!]!();
  return isParentBased === undefined ? own : new ParentBasedSampler({ root: own });
}
