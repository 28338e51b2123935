/**
 * Arrays in PostgreSQL's binary format. The driver sends a Buffer as it is, where an array would become
 * a text with every byte in hexadecimal, which costs twice the bytes and most of the time.
 *
 * Layout: dimensions, whether there are nulls, type of the elements, length, lower bound; then each
 * element with its size before it, -1 for null. All numbers have four bytes.
 */
import assert from "node:assert";
import type { ColumnType } from "../sql/dialect.ts";
import type { SqlValue } from "../sql/sql.ts";

/** Names and numbers of the element types, as in `pg_type`. */
const elementTypes: Readonly<Record<ColumnType, readonly [name: string, oid: number]>> = {
  bytes: ["bytea", 17],
  text: ["text", 25],
  int: ["int4", 23],
  bigint: ["int8", 20],
};

const HEADER_BYTES = 20;
const SIZE_BYTES = 4;
const NULL_SIZE = -1;

export function arrayTypeName(type: ColumnType): string {
  return `${elementTypes[type][0]}[]`;
}

export function binaryArray(type: ColumnType, values: readonly SqlValue[]): Buffer {
  const sizes = values.map((value) => elementSize(type, value));
  const length = sizes.reduce((sum, size) => sum + SIZE_BYTES + Math.max(size, 0), HEADER_BYTES);
  const buffer = Buffer.allocUnsafe(length);
  let offset = buffer.writeInt32BE(1, 0);
  offset = buffer.writeInt32BE(1, offset);
  offset = buffer.writeInt32BE(elementTypes[type][1], offset);
  offset = buffer.writeInt32BE(values.length, offset);
  offset = buffer.writeInt32BE(1, offset);
  for (const [index, value] of values.entries()) {
    offset = buffer.writeInt32BE(sizes[index]!, offset);
    if (value !== null) offset = writeElement(buffer, offset, { type, value });
  }
  return buffer;
}

function elementSize(type: ColumnType, value: SqlValue): number {
  if (value === null) return NULL_SIZE;
  switch (type) {
    case "int":
      return 4;
    case "bigint":
      return 8;
    case "text":
      return Buffer.byteLength(value as string);
    case "bytes":
      return (value as Uint8Array).length;
  }
}

function writeElement(
  buffer: Buffer,
  offset: number,
  { type, value }: { readonly type: ColumnType; readonly value: string | number | Uint8Array },
): number {
  switch (type) {
    case "int":
      return buffer.writeInt32BE(Number(value), offset);
    case "bigint":
      return buffer.writeBigInt64BE(BigInt(value as number), offset);
    case "text":
      return offset + buffer.write(value as string, offset);
    case "bytes":
      assert(value instanceof Uint8Array);
      buffer.set(value, offset);
      return offset + value.length;
  }
}
