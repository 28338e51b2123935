/**
 * Channels over HTTP: publishing with JSON, listening as server-sent events.
 *
 * Who listens is told what is broadcast while it does, and nothing twice. One that reads more slowly
 * than others broadcast is cut off rather than kept in memory without end: it is told so, and may
 * come again. So is one that would not be let in any more.
 */
import { SpawnError, isSpawnError } from "spawn-mesh/engine";
import type { Guard } from "../security/guard.ts";
import { unauthorized } from "../security/identity.ts";
import { PUBLISH, SUBSCRIBE } from "../security/policies.ts";
import type { ActorSystems } from "../actors/actor-systems.ts";
import type { Answer } from "../http/answers.ts";
import { isJson, jsonAnswer, jsonRoute, notJson, valueOfBody } from "../http/json-answers.ts";
import { ChannelListener } from "./channel-listener.ts";
import type { ListenerLimits } from "./channel-listener.ts";
import type { Route, RouteRequest } from "../http/route.ts";

/** Every bound of those who listen. */
export interface ChannelLimits extends ListenerLimits {
  /** Listeners at once. */
  readonly listenersMax: number;
}

const LIMITS: ChannelLimits = {
  listenersMax: 1_000,
  unreadBytesMax: 1024 * 1024,
  heartbeatMs: 15_000,
};
/** How soon a client that is cut off comes again by itself, in milliseconds. */
const RETRY_MS = 1_000;

const STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  connection: "close",
  // Proxies that hold answers back would hold back all of it.
  "x-accel-buffering": "no",
};

export class ChannelRoutes {
  readonly #systems: ActorSystems;
  readonly #guard: Guard;
  readonly #limits: ChannelLimits;
  /** With their requests, which have to be allowed for as long as they listen. */
  readonly #listeners = new Map<ChannelListener, RouteRequest>();

  constructor(
    { systems, guard }: { readonly systems: ActorSystems; readonly guard: Guard },
    limits: Partial<ChannelLimits> = {},
  ) {
    this.#systems = systems;
    this.#guard = guard;
    this.#limits = { ...LIMITS, ...limits };
  }

  /** `POST` and `GET` of a channel. */
  get routes(): readonly Route[] {
    const path = "/api/v1/system/:system/channels/:channel";
    return [
      jsonRoute({ method: "POST", path, handle: (request) => this.#publish(request) }),
      jsonRoute({ method: "GET", path, handle: (request) => this.#listen(request) }),
    ];
  }

  /** Ends all streams. */
  close(): void {
    const error = new SpawnError("SHUTTING_DOWN", "the proxy is stopping");
    for (const listener of this.#listeners.keys()) listener.end(error);
  }

  /** Ends the streams of those who would not be let in under the rules of now. */
  recheck(hasOtherAuthority: boolean): void {
    for (const [listener, { peer, headers }] of this.#listeners) {
      try {
        if (hasOtherAuthority && peer.certificateName !== undefined) {
          throw unauthorized(
            "other authorities check certificates now: expected another connection",
          );
        }
        const identity = this.#guard.authorize({ peer, headers });
        if ("refusal" in identity) throw identity.refusal;
        this.#systems.admit({ identity, action: SUBSCRIBE });
      } catch (error) {
        if (!isSpawnError(error)) throw error;
        listener.end(error);
      }
    }
  }

  async #publish(request: RouteRequest): Promise<Answer> {
    if (!isJson(request)) return notJson();
    const { system = "", channel = "" } = request.params;
    this.#systems.admit({ identity: request.identity, action: PUBLISH });
    const { engine } = this.#systems.existing(system);
    return jsonAnswer({ id: await engine.publish(channel, valueOfBody(request.body)) });
  }

  async #listen(request: RouteRequest): Promise<Answer> {
    const { system = "", channel = "" } = request.params;
    this.#systems.admit({ identity: request.identity, action: SUBSCRIBE });
    const { engine } = this.#systems.existing(system);
    engine.checkAccepting();
    const { listenersMax } = this.#limits;
    if (this.#listeners.size >= listenersMax) {
      throw new SpawnError("OVERLOADED", `a proxy has at most ${listenersMax} listeners`);
    }
    // A name that no channel has is refused before the answer begins.
    const unsubscribe = engine.subscribe(channel, (publication) => listener.tell(publication));
    const listener = new ChannelListener(this.#limits, () => {
      unsubscribe();
      this.#listeners.delete(listener);
    });
    this.#listeners.set(listener, request);
    return {
      status: 200,
      headers: STREAM_HEADERS,
      body: `retry: ${RETRY_MS}\n\n`,
      stream: (response) => listener.begin(response),
    };
  }
}
