/**
 * The same totals without actors, straight from the file, and the comparison with theirs.
 *
 * A movement is a departure, an arrival, or a flight on a route: each flight is three of them.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AirportTotals, Flight, RouteTotals } from "./flight-actors.ts";

/** The totals of every actor, by its name. */
export interface Totals {
  readonly airport: ReadonlyMap<string, Readonly<AirportTotals>>;
  readonly route: ReadonlyMap<string, Readonly<RouteTotals>>;
}

export interface Comparison {
  /** Movements that should be in the totals and are not. */
  readonly lost: number;
  /** Movements that are in them more often than they should be. */
  readonly doubled: number;
  /** Actors whose counts are right and whose delays or worst flight are not. */
  readonly wrong: number;
}

/** The US flights of early 2001 that the package `vega-datasets` brings. */
export function readFlights(): readonly Flight[] {
  const url = new URL("../data/flights-20k.json", import.meta.resolve("vega-datasets"));
  const records = JSON.parse(readFileSync(fileURLToPath(url), "utf8")) as Omit<Flight, "index">[];
  return records.map(({ date, delay, origin, destination }, index) => ({
    index,
    date,
    delay,
    origin,
    destination,
  }));
}

/** What the totals have to be when the file was applied `rounds` times. */
export function totalsOf(flights: readonly Flight[], rounds: number): Totals {
  const airports = new Map<string, Flight[]>();
  const routes = new Map<string, Flight[]>();
  for (const flight of flights) {
    const { origin, destination } = flight;
    for (const name of [origin, destination]) addTo(airports, name, flight);
    addTo(routes, `${origin}-${destination}`, flight);
  }
  return {
    airport: mapValues(airports, (of, name) => ({
      departures: rounds * of.filter(({ origin }) => origin === name).length,
      arrivals: rounds * of.filter(({ destination }) => destination === name).length,
      ...delaysOf(of, rounds),
    })),
    route: mapValues(routes, (of) => ({ flights: rounds * of.length, ...delaysOf(of, rounds) })),
  };
}

export function compareTotals(expected: Totals, actual: Totals): Comparison {
  const pairs = [
    ...[...expected.airport].map(([name, totals]) => [totals, actual.airport.get(name)] as const),
    ...[...expected.route].map(([name, totals]) => [totals, actual.route.get(name)] as const),
  ];
  let [lost, doubled, wrong] = [0, 0, 0];
  for (const [should, is] of pairs) {
    const differences = differencesOf(countsOf(should), countsOf(is));
    for (const difference of differences) {
      lost += Math.max(-difference, 0);
      doubled += Math.max(difference, 0);
    }
    const isCounted = differences.every((difference) => difference === 0);
    if (isCounted && !hasSameDelays(should, is)) wrong++;
  }
  return { lost, doubled, wrong };
}

type AnyTotals = Partial<AirportTotals & RouteTotals>;

function countsOf(totals: AnyTotals = {}): readonly number[] {
  const { departures = 0, arrivals = 0, flights = 0 } = totals;
  return [departures, arrivals, flights];
}

function differencesOf(should: readonly number[], is: readonly number[]): readonly number[] {
  return should.map((count, at) => (is[at] ?? 0) - count);
}

function hasSameDelays(should: AnyTotals, is: AnyTotals | undefined): boolean {
  return should.delay === is?.delay && should.worst?.index === is?.worst?.index;
}

function delaysOf(flights: readonly Flight[], rounds: number) {
  const worst = flights.toSorted((a, b) => b.delay - a.delay || a.index - b.index)[0] ?? null;
  return { delay: rounds * flights.reduce((sum, { delay }) => sum + delay, 0), worst };
}

function addTo(lists: Map<string, Flight[]>, name: string, flight: Flight): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [flight]);
  else list.push(flight);
}

function mapValues<From, To>(map: ReadonlyMap<string, From>, to: (value: From, key: string) => To) {
  return new Map([...map].map(([key, value]) => [key, to(value, key)]));
}
