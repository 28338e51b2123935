/** Whether the proxy lives, and whether it takes calls. */
import type { Answer } from "../http/answers.ts";
import type { Route } from "../http/route.ts";

/** `GET /health`, `/health/liveness` and `/health/readiness` */
export function healthRoutes(isReady: () => boolean): readonly Route[] {
  return [
    { method: "GET", path: "/health", isPublic: true, handle: () => healthAnswer(true) },
    { method: "GET", path: "/health/liveness", isPublic: true, handle: () => healthAnswer(true) },
    {
      method: "GET",
      path: "/health/readiness",
      isPublic: true,
      handle: () => healthAnswer(isReady()),
    },
  ];
}

function healthAnswer(isUp: boolean): Answer {
  return {
    status: isUp ? 200 : 503,
    headers: { "content-type": "application/json; charset=utf-8" },
    body: JSON.stringify({ status: isUp ? "up" : "down" }),
  };
}
