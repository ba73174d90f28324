// Where the relay may call: the vendors, and what its owner added. Whoever has a token cannot make it an open proxy.
import { Problem } from "./code.js";
export const VENDORS = [
    "https://api.anthropic.com",
    "https://api.openai.com",
    "https://chatgpt.com",
    "https://dashscope.aliyuncs.com",
    "https://dashscope-intl.aliyuncs.com",
    "https://coding.dashscope.aliyuncs.com",
    "https://coding-intl.dashscope.aliyuncs.com",
];
const NOT_PASSED = new Set([
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
]);
const NOT_PASSED_BACK = new Set([
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "transfer-encoding",
    "upgrade",
]);
/** What the runtime unpacks by itself. */
const UNPACKED = new Set(["gzip", "br"]);
/** All origins that are called. */
export function allowed(more) {
    const own = (more ?? "").split(",").map((text) => text.trim().replace(/\/$/, ""));
    return [...VENDORS, ...own.filter((text) => text !== "")];
}
/** The vendor's request, without its body. */
export function vendorRequest(head, origins) {
    let url;
    try {
        url = new URL(head.url);
    }
    catch {
        throw new Problem("malformed", "an unreadable URL");
    }
    if (url.username !== "" || url.password !== "" || !["https:", "http:"].includes(url.protocol)) {
        throw new Problem("malformed", "an unreadable URL");
    }
    if (!origins.includes(url.origin)) {
        const what = "the relay does not call this address; its owner can add it with --allow";
        throw new Problem("upstream_not_allowed", what);
    }
    const headers = new Headers();
    try {
        for (const [name, value] of head.headers) {
            if (!NOT_PASSED.has(name.toLowerCase()))
                headers.append(name, fromBytes(value));
        }
    }
    catch {
        throw new Problem("malformed", "an unreadable header");
    }
    return { url: url.href, init: { method: head.method, headers, redirect: "manual" } };
}
// The runtime writes and reads values as UTF-8; in messages each character is a byte.
function fromBytes(value) {
    if (/^[\x00-\x7f]*$/.test(value))
        return value;
    if (/[^\x00-\xff]/.test(value))
        throw new Problem("malformed", "an unreadable header");
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(value, (c) => c.charCodeAt(0)));
}
function toBytes(value) {
    if (/^[\x00-\x7f]*$/.test(value))
        return value;
    return Array.from(new TextEncoder().encode(value), (byte) => String.fromCharCode(byte)).join("");
}
/** Headers of an answer as they are passed on. */
export function passed(headers) {
    const unpacked = UNPACKED.has((headers.get("content-encoding") ?? "").toLowerCase());
    const pairs = [];
    for (const [name, value] of headers) {
        if (NOT_PASSED_BACK.has(name) || name === "set-cookie")
            continue;
        if (unpacked && (name === "content-encoding" || name === "content-length"))
            continue;
        pairs.push([name, toBytes(value)]);
    }
    for (const value of headers.getAll?.("set-cookie") ?? [])
        pairs.push(["set-cookie", toBytes(value)]);
    return pairs;
}
