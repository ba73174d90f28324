// The content of an exchange record: one byte flags (1: the head is deflated, 2: the payload is), four bytes length of the
// head (big-endian), the head (JSON), the payload (the body, or edits).

import { Problem } from "./code.js";
import { inflate } from "./coding.js";

/** Header name and value; the characters of the value are its bytes, read as ISO 8859-1. */
export type Pair = readonly [string, string];

export interface Head {
  readonly id: string;
  readonly conversation: string;
  readonly epoch: string;
  readonly at_ms: number;
  readonly revision: number;
  readonly next: string;
  readonly base?: string;
  readonly key: string;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly Pair[];
}

const MOST_HEAD = 256 * 1024;

export async function parse(content: Uint8Array, most: number): Promise<{ head: Head; payload: Uint8Array }> {
  const flags = content[0];
  if (flags === undefined || content.length < 5) throw malformed("no head");
  if ((flags & ~3) !== 0) throw malformed("unknown flags");
  const length = new DataView(content.buffer, content.byteOffset).getUint32(1);
  if (5 + length > content.length) throw malformed("a head that is cut off");
  const head = await plain((flags & 1) !== 0, content.subarray(5, 5 + length), MOST_HEAD);
  const payload = await plain((flags & 2) !== 0, content.subarray(5 + length), most);
  return { head: readHead(head), payload };
}

async function plain(packed: boolean, bytes: Uint8Array, most: number): Promise<Uint8Array> {
  if (packed) return inflate(bytes, most);
  if (bytes.length > most) throw new Problem("too_large", "larger than the relay takes");
  return bytes;
}

function readHead(bytes: Uint8Array): Head {
  const head = readJson(bytes);
  const texts = ["id", "conversation", "epoch", "next", "key", "method", "url"] as const;
  const numbers = ["at_ms", "revision"] as const;
  const pair = (item: unknown): boolean =>
    Array.isArray(item) && item.length === 2 && item.every((part) => typeof part === "string");
  const fits =
    texts.every((name) => typeof head[name] === "string") &&
    numbers.every((name) => Number.isSafeInteger(head[name]) && (head[name] as number) >= 0) &&
    (head["base"] === undefined || typeof head["base"] === "string") &&
    Array.isArray(head["headers"]) &&
    head["headers"].every(pair) &&
    /^[0-9a-f]{32}$/.test(head["id"] as string) &&
    [head["next"], head["base"]].every((hash) => hash === undefined || /^sha256:[0-9a-f]{64}$/.test(hash as string));
  if (!fits) throw malformed("an unreadable head");
  return head as unknown as Head;
}

/** A JSON object. */
export function readJson(bytes: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw malformed("unreadable JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed("unreadable JSON");
  return value as Record<string, unknown>;
}

function malformed(what: string): Problem {
  return new Problem("malformed", what);
}
