// What travels on the wire, in both directions and on both transports: one byte kind, four bytes length (big-endian), so
// many bytes of content.

export const KIND = {
  exchange: 0x01,
  cancel: 0x02,
  credit: 0x03,
  resume: 0x04,
  hello: 0x05,
  head: 0x10,
  data: 0x11,
  end: 0x12,
  problem: 0x13,
  alive: 0x14,
  taken: 0x15,
} as const;

export type Kind = (typeof KIND)[keyof typeof KIND];

export const HEADER = 5;

const KINDS: ReadonlySet<number> = new Set(Object.values(KIND));
const EMPTY = new Uint8Array();

export interface Rec {
  readonly kind: Kind;
  readonly content: Uint8Array;
}

/** A record as it stands on the wire. */
export function record(kind: Kind, content: Uint8Array = EMPTY): Uint8Array {
  const bytes = new Uint8Array(HEADER + content.length);
  bytes[0] = kind;
  new DataView(bytes.buffer).setUint32(1, content.length);
  bytes.set(content, HEADER);
  return bytes;
}

/** A record with this JSON. */
export function jsonRecord(kind: Kind, content: unknown): Uint8Array {
  return record(kind, new TextEncoder().encode(JSON.stringify(content)));
}

/** The only record of a message. `undefined`: the bytes are not exactly one. */
export function only(bytes: Uint8Array): Rec | undefined {
  const kind = bytes[0];
  if (kind === undefined || bytes.length < HEADER || !KINDS.has(kind)) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (length !== bytes.length - HEADER) return undefined;
  return { kind: kind as Kind, content: bytes.subarray(HEADER) };
}
