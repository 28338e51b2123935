import { expect, test } from "vitest";
import { parseUrl } from "./database-url.ts";

const rules = { schemes: ["mysql", "mariadb"], port: 3306, parameters: [] };

test.each([
  ["mariadb://ann:secret@db/shop", "mariadb://ann@db:3306/shop"],
  ["mysql://ann:secret@db:33/shop", "mysql://ann@db:33/shop"],
  ["MARIADB://ann@db/shop", "mariadb://ann@db:3306/shop"],
])("%s is named as it was given, without its password", (url, address) => {
  expect(parseUrl(url, rules).address).toBe(address);
});
