/**
 * One-dimensional arrays in PostgreSQL's binary format (src/backend/utils/adt/arrayfuncs.c, array_recv): `pg` binds a Buffer
 * as a binary parameter, so content travels as raw bytes and numbers need no text. Measured against text literals built by
 * `pg`: see bench/README.md.
 */

const headerBytes = 20;
const elementOids = {
  bool: 16,
  uuid: 2950,
  int8: 20,
  int2: 21,
  bytea: 17,
  text: 25,
  timestamptz: 1184,
} as const;
/** Microseconds from the Unix epoch to PostgreSQL's, 2000-01-01. */
const postgresEpochUs = 946_684_800_000_000;
const twoTo32 = 0x1_0000_0000;

/** Null elements are allowed. */
export function uuidArray(values: readonly (string | null)[]): Buffer {
  const array = allocate(elementOids.uuid, values.length, 16 * values.length, values.includes(null));
  let at = headerBytes;
  for (const value of values) {
    if (value === null) {
      at = array.writeInt32BE(-1, at);
      continue;
    }
    at = array.writeInt32BE(16, at);
    at = writeUuid(array, value, at);
  }
  return array.subarray(0, at);
}

/** Integers up to 2^53; null elements are allowed. */
export function int8Array(values: readonly (number | null)[]): Buffer {
  return eightByteArray(elementOids.int8, values, 0);
}

/** Microseconds since the Unix epoch; null elements are allowed. */
export function timestamptzArray(values: readonly (number | null)[]): Buffer {
  return eightByteArray(elementOids.timestamptz, values, postgresEpochUs);
}

/** Each as `high` × 2^32 + `low`, beyond what a number holds: `high` below 2^31, `low` a uint32; null elements are allowed. */
export function int8ArrayOfHalves(
  values: readonly ({ readonly high: number; readonly low: number } | null)[],
): Buffer {
  const array = allocate(elementOids.int8, values.length, 8 * values.length, values.includes(null));
  let at = headerBytes;
  for (const value of values) {
    if (value === null) {
      at = array.writeInt32BE(-1, at);
      continue;
    }
    at = array.writeInt32BE(8, at);
    at = array.writeInt32BE(value.high, at);
    at = array.writeUInt32BE(value.low, at);
  }
  return array.subarray(0, at);
}

export function int2Array(values: readonly number[]): Buffer {
  const array = allocate(elementOids.int2, values.length, 2 * values.length, false);
  let at = headerBytes;
  for (const value of values) {
    at = array.writeInt32BE(2, at);
    at = array.writeInt16BE(value, at);
  }
  return array;
}

export function boolArray(values: readonly boolean[]): Buffer {
  const array = allocate(elementOids.bool, values.length, values.length, false);
  let at = headerBytes;
  for (const value of values) {
    at = array.writeInt32BE(1, at);
    at = array.writeUInt8(value ? 1 : 0, at);
  }
  return array;
}

/** Each string as its UTF-8 bytes. The strings are well-formed; null elements are allowed. */
export function byteaArray(values: readonly (string | null)[]): Buffer {
  return stringArray(elementOids.bytea, values);
}

/** The strings are well-formed and without U+0000, which PostgreSQL's text cannot hold; null elements are allowed. */
export function textArray(values: readonly (string | null)[]): Buffer {
  return stringArray(elementOids.text, values);
}

function stringArray(oid: number, values: readonly (string | null)[]): Buffer {
  let upperBound = 0;
  let hasNull = false;
  for (const value of values) {
    if (value === null) hasNull = true;
    else upperBound += 3 * value.length;
  }
  const array = allocate(oid, values.length, upperBound, hasNull);
  let at = headerBytes;
  for (const value of values) {
    if (value === null) {
      at = array.writeInt32BE(-1, at);
      continue;
    }
    const written = array.write(value, at + 4);
    array.writeInt32BE(written, at);
    at += 4 + written;
  }
  return array.subarray(0, at);
}

function eightByteArray(oid: number, values: readonly (number | null)[], offset: number): Buffer {
  const hasNull = values.includes(null);
  const array = allocate(oid, values.length, 8 * values.length, hasNull);
  let at = headerBytes;
  for (const value of values) {
    if (value === null) {
      at = array.writeInt32BE(-1, at);
      continue;
    }
    const shifted = value - offset;
    const high = Math.floor(shifted / twoTo32);
    at = array.writeInt32BE(8, at);
    at = array.writeInt32BE(high, at);
    at = array.writeUInt32BE(shifted - high * twoTo32, at);
  }
  return array.subarray(0, at);
}

function allocate(oid: number, length: number, payloadBytes: number, hasNull: boolean): Buffer {
  const array = Buffer.allocUnsafe(headerBytes + 4 * length + payloadBytes);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(hasNull ? 1 : 0, 4);
  array.writeInt32BE(oid, 8);
  array.writeInt32BE(length, 12);
  array.writeInt32BE(1, 16);
  return array;
}

/** The text form `8-4-4-4-12`, lower-case hexadecimal. */
function writeUuid(target: Buffer, uuid: string, at: number): number {
  for (let index = 0; index < 36; index += 2) {
    if (uuid.charCodeAt(index) === 45) index++;
    target[at++] = (nibble(uuid.charCodeAt(index)) << 4) | nibble(uuid.charCodeAt(index + 1));
  }
  return at;
}

function nibble(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}
