import { describe, expect, test } from "vitest";
import type { Flight } from "./flight-actors.ts";
import { compareTotals, readFlights, totalsOf, type Totals } from "./flight-totals.ts";

const flight = (index: number, route: string, delay: number): Flight => {
  const [origin = "", destination = ""] = route.split("-");
  return { index, date: "2001/01/01 00:00", delay, origin, destination };
};

const flights = [flight(0, "ATL-ORD", 10), flight(1, "ORD-ATL", 30), flight(2, "ATL-ORD", 30)];
const expected = totalsOf(flights, 1);

/** The expected totals with one actor's changed. */
function changed(definition: keyof Totals, name: string, change: object): Totals {
  const totals = { ...expected[definition].get(name), ...change };
  return { ...expected, [definition]: new Map([...expected[definition], [name, totals]]) };
}

describe("the totals of a file", () => {
  test("count what every airport and every route has seen", () => {
    expect(expected.airport.get("ATL")).toEqual({
      departures: 2,
      arrivals: 1,
      delay: 70,
      worst: flights[1],
    });
    expect(expected.route.get("ATL-ORD")).toEqual({ flights: 2, delay: 40, worst: flights[2] });
    expect(expected.route.get("ORD-ATL")).toEqual({ flights: 1, delay: 30, worst: flights[1] });
  });

  test("grow with the rounds, the worst flight stays", () => {
    const thrice = totalsOf(flights, 3).route.get("ATL-ORD");
    expect(thrice).toEqual({ flights: 6, delay: 120, worst: flights[2] });
  });

  test("of the real file are those of 224 airports and 2 977 routes", () => {
    const real = totalsOf(readFlights(), 1);
    expect([real.airport.size, real.route.size]).toEqual([224, 2_977]);
  });
});

describe("the comparison", () => {
  test("finds nothing in equal totals", () => {
    expect(compareTotals(expected, totalsOf(flights, 1))).toEqual({
      lost: 0,
      doubled: 0,
      wrong: 0,
    });
  });

  test.each([
    [changed("airport", "ATL", { departures: 1 }), { lost: 1, doubled: 0, wrong: 0 }],
    [changed("airport", "ORD", { arrivals: 4 }), { lost: 0, doubled: 2, wrong: 0 }],
    [changed("airport", "ORD", { arrivals: 1, departures: 2 }), { lost: 1, doubled: 1, wrong: 0 }],
    [changed("route", "ATL-ORD", { flights: 0 }), { lost: 2, doubled: 0, wrong: 0 }],
    [changed("route", "ATL-ORD", { delay: 41 }), { lost: 0, doubled: 0, wrong: 1 }],
    [changed("route", "ATL-ORD", { worst: flights[0] }), { lost: 0, doubled: 0, wrong: 1 }],
    [changed("airport", "ATL", { worst: null }), { lost: 0, doubled: 0, wrong: 1 }],
    [
      { ...expected, route: new Map() },
      { lost: 3, doubled: 0, wrong: 0 },
    ],
  ])("says what differs", (actual, found) => {
    expect(compareTotals(expected, actual)).toEqual(found);
  });
});
