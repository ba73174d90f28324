// Raw deflate, hashes, and the sealing of what is stored.
import { Problem } from "./code.js";
/** The plain bytes, at most `most`. */
export async function inflate(packed, most) {
    try {
        return await through(packed, new DecompressionStream("deflate-raw"), most);
    }
    catch (thrown) {
        throw thrown instanceof Problem ? thrown : new Problem("malformed", "unreadable compressed data");
    }
}
/** Packed bytes. */
export async function deflate(plain) {
    return through(plain, new CompressionStream("deflate-raw"), Number.POSITIVE_INFINITY);
}
async function through(bytes, stream, most) {
    const writer = stream.writable.getWriter();
    // What goes wrong in writing also goes wrong in reading, and is told there.
    const written = writer.write(bytes).then(() => writer.close());
    written.catch(() => undefined);
    const pieces = [];
    let length = 0;
    const reader = stream.readable.getReader();
    for (;;) {
        const { done, value } = await reader.read();
        if (done)
            break;
        length += value.length;
        if (length > most) {
            await reader.cancel();
            throw new Problem("too_large", "compressed data unpacks to more than is allowed");
        }
        pieces.push(value);
    }
    await written;
    return concat(pieces, length);
}
/** All pieces in one. */
export function concat(pieces, length) {
    const all = new Uint8Array(length);
    let at = 0;
    for (const piece of pieces) {
        all.set(piece, at);
        at += piece.length;
    }
    return all;
}
/** `sha256:` and 64 hex digits. */
export async function hashOf(body) {
    return `sha256:${hex(new Uint8Array(await crypto.subtle.digest("SHA-256", body)))}`;
}
/** Lower-case hex. */
export function hex(bytes) {
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
const NONCE = 12;
/** The key of a conversation: 32 bytes, base64url without padding. It comes with each request and is not stored. */
export async function sealingKey(text) {
    const malformed = new Problem("malformed", "a key that is not 32 bytes in base64url");
    if (!/^[A-Za-z0-9_-]{43}$/.test(text))
        throw malformed;
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}
/** Compressed, then sealed for one place. */
export async function seal(key, place, body) {
    const iv = crypto.getRandomValues(new Uint8Array(NONCE));
    const additionalData = new TextEncoder().encode(place);
    const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, await deflate(body));
    return concat([iv, new Uint8Array(sealed)], NONCE + sealed.byteLength);
}
/** `undefined`: sealed with another key or for another place; it is as if there were nothing. */
export async function open(key, place, sealed, most) {
    const iv = sealed.subarray(0, NONCE);
    const additionalData = new TextEncoder().encode(place);
    try {
        const packed = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, sealed.subarray(NONCE));
        return await inflate(new Uint8Array(packed), most);
    }
    catch {
        return undefined;
    }
}
