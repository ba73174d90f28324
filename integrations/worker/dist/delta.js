// Rebuilds a body from the one before and its edits. Trusts nothing.
import { Problem } from "./code.js";
/** Reads edits: how many, then each one's distance from the end of the one before it, its deletion and the length of its
 * text, then all texts. Numbers are unsigned LEB128 of at most 32 bits. */
export function readOps(bytes) {
    let at = 0;
    const number = () => {
        let value = 0;
        for (let place = 0; place < 5; place++) {
            const byte = bytes[at++];
            if (byte === undefined)
                throw unreadable();
            value += (byte & 0x7f) * 2 ** (7 * place);
            if (byte < 0x80) {
                if (value > 0xffffffff)
                    throw unreadable();
                return value;
            }
        }
        throw unreadable();
    };
    const count = number();
    // An edit takes at least three bytes: no list is longer than what it stands in.
    if (count > (bytes.length - at) / 3)
        throw unreadable();
    const placed = [];
    let end = 0;
    for (let i = 0; i < count; i++) {
        const start = end + number();
        const remove = number();
        placed.push({ start, remove, length: number() });
        end = start + remove;
    }
    const ops = placed.map(({ start, remove, length }) => {
        if (at + length > bytes.length)
            throw unreadable();
        const insert = bytes.subarray(at, at + length);
        at += length;
        return { start, remove, insert };
    });
    if (at !== bytes.length)
        throw unreadable();
    return ops;
}
/** The new body. */
export function apply(old, ops) {
    let at = 0;
    let length = old.length;
    for (const { start, remove, insert } of ops) {
        if (start < at)
            throw new Problem("out_of_order", "the edits are out of order or overlap");
        const end = start + remove;
        if (end > old.length)
            throw new Problem("out_of_range", "an edit reaches past the end of the body");
        if (!isBoundary(old, start) || !isBoundary(old, end)) {
            throw new Problem("not_char_boundary", "an edit cuts a character in two");
        }
        at = end;
        length += insert.length - remove;
    }
    const body = new Uint8Array(length);
    let [from, to] = [0, 0];
    for (const { start, remove, insert } of ops) {
        body.set(old.subarray(from, start), to);
        to += start - from;
        body.set(insert, to);
        to += insert.length;
        from = start + remove;
    }
    body.set(old.subarray(from), to);
    return body;
}
function isBoundary(body, at) {
    const byte = body[at];
    return at === 0 || byte === undefined || (byte & 0xc0) !== 0x80;
}
function unreadable() {
    return new Problem("malformed", "unreadable edits");
}
