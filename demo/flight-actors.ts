/**
 * The domain of the demo: what airports and routes know about their flights.
 *
 * This is all that an application developer writes. Each airport and each route is an actor with a
 * state of its own; actions change it one at a time; when a call returns, the change is on the disk.
 */
import { actor } from "spawn-mesh";

/** One record of the file. */
export interface Flight {
  /** Its place in the file, from 0. */
  readonly index: number;
  readonly date: string;
  /** Minutes too late; negative if early. */
  readonly delay: number;
  readonly origin: string;
  readonly destination: string;
}

export interface AirportTotals {
  departures: number;
  arrivals: number;
  /** Minutes, of all departures and arrivals together. */
  delay: number;
  worst: Flight | null;
}

export interface RouteTotals {
  flights: number;
  /** Minutes, of all flights together. */
  delay: number;
  worst: Flight | null;
}

export const airport = actor("airport", {
  kind: "unnamed",
  state: (): AirportTotals => ({ departures: 0, arrivals: 0, delay: 0, worst: null }),
  actions: {
    depart({ state }, flight: Flight) {
      state.departures++;
      state.delay += flight.delay;
      state.worst = worseOf(state.worst, flight);
    },
    arrive({ state }, flight: Flight) {
      state.arrivals++;
      state.delay += flight.delay;
      state.worst = worseOf(state.worst, flight);
    },
  },
});

export const route = actor("route", {
  kind: "unnamed",
  state: (): RouteTotals => ({ flights: 0, delay: 0, worst: null }),
  actions: {
    fly({ state }, flight: Flight) {
      state.flights++;
      state.delay += flight.delay;
      state.worst = worseOf(state.worst, flight);
    },
  },
});

/** The later one; of two that were equally late the one that comes first in the file. */
function worseOf(worst: Flight | null, flight: Flight): Flight {
  if (worst === null || flight.delay > worst.delay) return flight;
  return flight.delay === worst.delay && flight.index < worst.index ? flight : worst;
}
