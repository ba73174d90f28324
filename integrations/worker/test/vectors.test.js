// The vectors of the protocol, which every implementation runs: tests/vectors/relay. Needs `npm run build` first.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Problem, STATUS } from "../dist/code.js";
import { readOps } from "../dist/delta.js";
import { look, settle } from "../dist/exchange.js";
import { KIND, only, record } from "../dist/record.js";
import { parse } from "../dist/request.js";

const vectors = (name) => {
  const file = JSON.parse(readFileSync(new URL(`../../../tests/vectors/relay/${name}.json`, import.meta.url), "utf8"));
  assert.equal(file.format, `remuda-relay-vectors/${name}`);
  return file;
};
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
const hex = (all) => Buffer.from(all).toString("hex");
const text = (all) => Buffer.from(all).toString("utf8");
const refused = (thrown) => {
  assert.ok(thrown instanceof Problem, String(thrown));
  return thrown.code;
};

for (const vector of vectors("script").vectors) {
  test(`script: ${vector.title}`, () => {
    let ops;
    try {
      ops = readOps(bytes(vector.bytes));
    } catch (thrown) {
      assert.equal(refused(thrown), vector.error);
      return;
    }
    assert.deepEqual(ops.map(({ start, remove, insert }) => ({ start, delete: remove, insert: text(insert) })), vector.ops);
  });
}

for (const vector of vectors("record").vectors) {
  test(`record: ${vector.title}`, () => {
    const found = only(bytes(vector.bytes));
    if (vector.error) {
      assert.equal(found, undefined);
      return;
    }
    assert.deepEqual([found.kind, hex(found.content)], [KIND[vector.kind], vector.content]);
    assert.equal(hex(record(found.kind, found.content)), vector.bytes);
  });
}

for (const vector of vectors("request").vectors) {
  test(`request: ${vector.title}`, async () => {
    let parsed;
    try {
      parsed = await parse(bytes(vector.bytes), vector.most);
    } catch (thrown) {
      assert.equal(refused(thrown), vector.error);
      return;
    }
    const { newer: _, ...head } = parsed.head;
    assert.deepEqual([head, hex(parsed.payload)], [vector.head, vector.payload]);
  });
}

const { epoch, vectors: conversations } = vectors("conversation");
for (const vector of conversations) {
  test(`conversation: ${vector.title}`, async () => {
    let [last, held] = [undefined, undefined];
    for (const { at, head, payload, expect } of vector.messages) {
      let got;
      try {
        got = { pass: look(head, last, epoch, at) };
        if (got.pass === "new") {
          held = await settle(held, head, bytes(payload));
          last = { id: head.id, at_ms: head.at_ms };
          got.body = hex(held.body);
        }
      } catch (thrown) {
        got = { error: refused(thrown) };
      }
      assert.deepEqual(got, expect);
    }
  });
}

test("codes and their statuses", () => {
  assert.deepEqual(STATUS, vectors("code").codes);
});
