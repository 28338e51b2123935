import { describe, expect, test } from "vitest";
import { metadataOfGrpc, metadataOfHttp, parseGrpcTimeout } from "./request-metadata.ts";

describe("metadata", () => {
  test("of gRPC is every header but the transport's own, binary ones and credentials", () => {
    expect(
      metadataOfGrpc([
        [":path", "/shop.Incrementor/Add"],
        ["content-type", "application/grpc"],
        ["grpc-accept-encoding", "gzip"],
        ["user-agent", "grpc-go"],
        ["trace-bin", "AAA="],
        ["authorization", "Bearer secret"],
        ["cookie", "session=secret"],
        ["traceparent", "00-1-2-01"],
        ["Tenant", "blue"],
        ["role", "a"],
        ["role", "b"],
        ["__proto__", "x"],
      ]),
    ).toEqual(
      Object.fromEntries([
        ["traceparent", "00-1-2-01"],
        ["tenant", "blue"],
        ["role", "a,b"],
        ["__proto__", "x"],
      ]),
    );
  });

  test("of HTTP is what is known or has the prefix, and never credentials", () => {
    expect(
      metadataOfHttp([
        ["Host", "localhost"],
        ["Accept", "*/*"],
        ["X-Forwarded-For", "10.0.0.1"],
        ["Authorization", "Bearer secret"],
        ["Grpc-Metadata-Authorization", "Bearer secret"],
        ["Grpc-Metadata-", "nothing"],
        ["Grpc-Metadata-Tenant", "blue"],
        ["Traceparent", "00-1-2-01"],
        ["Idempotency-Key", "k1"],
      ]),
    ).toEqual({ tenant: "blue", traceparent: "00-1-2-01", "idempotency-key": "k1" });
  });
});

test.each([
  ["1H", 3_600_000],
  ["2M", 120_000],
  ["3S", 3_000],
  ["500m", 500],
  ["1500u", 2],
  ["1n", 1],
  ["0S", 0],
  ["99999999H", 359_999_996_400_000],
  ["100000000m", undefined],
  ["-1S", undefined],
  ["1.5S", undefined],
  ["1s", undefined],
  ["S", undefined],
  ["", undefined],
  ["1S ", undefined],
])("the timeout %j is %j ms", (header, expected) => {
  expect(parseGrpcTimeout(header)).toBe(expected);
});
