/**
 * The place of a call in a trace, as W3C says it: https://www.w3.org/TR/trace-context/
 *
 * Inside the proxy it travels in the metadata of a call, so it goes wherever the call goes: through
 * mailboxes, the outbox and restarts, to the host that runs it.
 */

export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string | undefined;
}

type Metadata = Readonly<Record<string, string>>;
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;

/** The context in headers or metadata; `undefined` when there is none, or one that is malformed. */
export function traceContextIn(fields: Headers): TraceContext | undefined {
  const { traceparent, tracestate } = fields;
  if (typeof traceparent !== "string" || !TRACEPARENT.test(traceparent)) return undefined;
  const isValid = typeof tracestate === "string" && TRACESTATE.test(tracestate);
  return { traceparent, tracestate: isValid ? tracestate : undefined };
}

/** Metadata with a context in the place of the one that it had. */
export function withTraceContext(metadata: Metadata, context: TraceContext): Metadata {
  const { traceparent: _, tracestate: __, ...others } = metadata;
  return { ...others, ...fieldsOf(context) };
}

/** Metadata of a request with the context of its headers, which is closer to the call, if these have one. */
export function metadataInTrace(metadata: Metadata, headers: Headers): Metadata {
  const context = traceContextIn(headers);
  return context === undefined ? metadata : withTraceContext(metadata, context);
}

/** Lines of the head of a request. */
export function traceHeaders(context: TraceContext | undefined): string {
  if (context === undefined) return "";
  return Object.entries(fieldsOf(context))
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
}

function fieldsOf({ traceparent, tracestate }: TraceContext): Metadata {
  return { traceparent, ...(tracestate !== undefined && { tracestate }) };
}
