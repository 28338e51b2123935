/** The metadata of an invocation, taken from the headers of a request. */
import { IDEMPOTENCY_KEY } from "../call-metadata.ts";

/** Credentials are for the proxy. They do not travel to actors, where they might be stored or logged. */
const secrets: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);

/** What HTTP itself carries in headers under gRPC. */
const transport = /^(:|grpc-|content-type$|te$|user-agent$|accept-encoding$|host$)|-bin$/;

/** Headers of plain HTTP that are metadata by their own name. */
const carried: ReadonlySet<string> = new Set([
  "traceparent",
  "tracestate",
  "baggage",
  IDEMPOTENCY_KEY,
  "request-timeout",
]);

/** Every other header of plain HTTP becomes metadata by this prefix, which is taken off. */
const METADATA_PREFIX = "grpc-metadata-";

/** One header; several values of one name are given as several headers. */
type Header = readonly [name: string, value: string];

/** Under gRPC headers are metadata, except for credentials, binary ones and the transport's own. */
export function metadataOfGrpc(headers: Iterable<Header>): Readonly<Record<string, string>> {
  return collect(headers, (name) => (transport.test(name) ? undefined : name));
}

/** Browsers and proxies send dozens of headers, so plain HTTP says which are meant. */
export function metadataOfHttp(headers: Iterable<Header>): Readonly<Record<string, string>> {
  return collect(headers, (name) => {
    if (carried.has(name)) return name;
    return name.startsWith(METADATA_PREFIX) ? name.slice(METADATA_PREFIX.length) : undefined;
  });
}

/**
 * The metadata of one message of a stream. Each has a key of its own, or the second would be taken for a
 * repetition of the first; a stream that is sent again has the same ones.
 */
export function metadataInStream(
  metadata: Readonly<Record<string, string>>,
  position: number,
): Readonly<Record<string, string>> {
  const key = metadata[IDEMPOTENCY_KEY];
  return key === undefined ? metadata : { ...metadata, [IDEMPOTENCY_KEY]: `${key}/${position}` };
}

function collect(
  headers: Iterable<Header>,
  keyOf: (name: string) => string | undefined,
): Readonly<Record<string, string>> {
  const metadata = new Map<string, string>();
  for (const [header, value] of headers) {
    const key = keyOf(header.toLowerCase());
    if (key === undefined || key === "" || secrets.has(key)) continue;
    const before = metadata.get(key);
    metadata.set(key, before === undefined ? value : `${before},${value}`);
  }
  return Object.fromEntries(metadata);
}

const timeoutUnitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/**
 * The milliseconds of a `grpc-timeout` such as `500m`, at least 1 for what is not zero.
 * Undefined when it is malformed.
 */
export function parseGrpcTimeout(header: string): number | undefined {
  const [, digits = "", unit = ""] = /^([0-9]{1,8})([HMSmun])$/.exec(header) ?? [];
  const unitMs = timeoutUnitsMs[unit];
  return unitMs === undefined ? undefined : Math.ceil(Number(digits) * unitMs);
}
