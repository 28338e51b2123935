/** What is counted, for Prometheus. */
import { PROMETHEUS_TEXT } from "../observability/prometheus-text.ts";
import type { Route } from "../http/route.ts";

/** `GET /metrics` */
export function metricsRoutes(text: () => string): readonly Route[] {
  const headers = { "content-type": PROMETHEUS_TEXT };
  const handle: Route["handle"] = () => ({ status: 200, headers, body: text() });
  return [{ method: "GET", path: "/metrics", handle }];
}
