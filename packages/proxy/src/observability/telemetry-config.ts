/** What is measured and where it goes, from the variables that Spawn and OpenTelemetry have for it. */
import { SpawnError } from "spawn-mesh/engine";
import { refused } from "../variables.ts";
import type { Variables } from "../variables.ts";

const SAMPLERS = [
  "parentbased_always_on",
  "parentbased_always_off",
  "parentbased_traceidratio",
  "always_on",
  "always_off",
  "traceidratio",
] as const;

export interface TelemetryConfig {
  /** Whether anything is counted. */
  readonly hasMetrics: boolean;
  /** Where spans are sent; `undefined`: nowhere. */
  readonly tracesUrl: string | undefined;
  readonly serviceName: string;
  readonly sampler: (typeof SAMPLERS)[number];
  /** How many of the traces that begin here are recorded, for samplers that ask. */
  readonly sampledShare: number;
}

const PROTOCOLS = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const PROTOCOL = "http/json";

/** @throws {SpawnError} `INVALID_ARGUMENT` */
export function telemetryConfigOf(read: Variables): TelemetryConfig {
  const isOff =
    read.flag("OTEL_SDK_DISABLED", false) ||
    read.oneOf("OTEL_TRACES_EXPORTER", ["otlp", "none"], "otlp") === "none";
  const tracesUrl = isOff ? undefined : tracesUrlOf(read);
  if (tracesUrl !== undefined) checkProtocol(read);
  return {
    hasMetrics: !read.flag("SPAWN_DISABLE_METRICS", false),
    tracesUrl,
    serviceName: read.text("OTEL_SERVICE_NAME", "spawn"),
    sampler: read.oneOf("OTEL_TRACES_SAMPLER", SAMPLERS, "parentbased_always_on"),
    sampledShare: read.share("OTEL_TRACES_SAMPLER_ARG", 1),
  };
}

function tracesUrlOf(read: Variables): string | undefined {
  const own = urlIn(read, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const all = urlIn(read, "OTEL_EXPORTER_OTLP_ENDPOINT");
  return own ?? (all && `${all.replace(/\/$/, "")}/v1/traces`);
}

/** The address may hold a password, so it is not quoted. */
function urlIn(read: Variables, name: string): string | undefined {
  const text = read.find(name);
  if (text === undefined) return undefined;
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new SpawnError(
    "INVALID_ARGUMENT",
    `${name}: expected an address that begins with http:// or https://, got another text`,
  );
}

function checkProtocol(read: Variables): void {
  const name = PROTOCOLS.find((each) => read.find(each) !== undefined);
  const protocol = name === undefined ? PROTOCOL : read.find(name)!;
  if (protocol !== PROTOCOL) throw refused(name!, PROTOCOL, protocol);
}
