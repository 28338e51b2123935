import { expect, test } from "vitest";
import { addressOf } from "./sidecar-address.ts";

test.each([
  "http://user:s3cret@127.0.0.1:9001",
  "https://s3cret@example.org",
  "http://user:s3cret@127.0.0.1:9001/path",
  "http://user:s3cret@no host",
  "ftp://user:s3cret@127.0.0.1",
  "http://user:s3cret@[::1",
])("%s is refused without telling the secret", (url) => {
  const told = (): string => {
    try {
      return JSON.stringify(addressOf({ url }));
    } catch (error) {
      return String(error);
    }
  };
  expect(told()).toMatch(/INVALID_ARGUMENT.* sidecar: expected/);
  expect(told()).not.toContain("s3cret");
});

test("a user in the address is told where the token belongs", () => {
  expect(() => addressOf("http://user:s3cret@127.0.0.1:9001")).toThrow(
    "sidecar: expected an address without a user and a password; a token is an option beside it: { url, token }",
  );
});

test.each(["http://127.0.0.1:9001/?token=s3cret", "http://127.0.0.1:9001/#s3cret"])(
  "%s is refused: nothing of it would be sent",
  (url) => {
    expect(() => addressOf(url)).toThrow(/expected http:\/\/HOST:PORT/);
    expect(() => addressOf(url)).not.toThrow(/s3cret/);
  },
);
