/** Opens the tracer that is configured. */
import { SpawnError } from "spawn-mesh/engine";
import type { TelemetryConfig } from "./telemetry-config.ts";
import { passOnTraces } from "./tracer.ts";
import type { Tracer } from "./tracer.ts";

const PACKAGES = ["api", "core", "resources", "sdk-trace", "exporter-trace-otlp-http"];

/** @throws {SpawnError} `INVALID_ARGUMENT` when a collector is configured and the SDK is not installed */
export async function openTracer(config: TelemetryConfig): Promise<Tracer> {
  const { tracesUrl: url } = config;
  if (url === undefined) return passOnTraces;
  try {
    const { otelTracer } = await import("./otel-tracer.ts");
    return otelTracer({ ...config, url });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    const packages = PACKAGES.map((name) => `@opentelemetry/${name}`).join(" ");
    throw new SpawnError(
      "INVALID_ARGUMENT",
      `OTEL_EXPORTER_OTLP_ENDPOINT: traces are sent by packages that are not installed: npm install ${packages}`,
      { cause },
    );
  }
}
