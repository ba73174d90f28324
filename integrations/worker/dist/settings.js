// The bounds of this relay, and how it introduces itself.
import { Problem } from "./code.js";
import { allowed } from "./upstream.js";
/** Half of what vendors take: an isolate has 128 MB, and a body is held up to five times while it is rebuilt. */
export const MOST_BODY = 16 * 1024 * 1024;
const PROTOCOLS = [1];
const VERSION = "0.1.0";
export function settingsOf(env) {
    const number = (text, otherwise) => {
        const value = Number(text);
        return text !== undefined && Number.isFinite(value) && value > 0 ? value : otherwise;
    };
    return {
        aliveMs: number(env.ALIVE_MS, 15_000),
        graceMs: number(env.GRACE_MS, 20_000),
        perMinute: number(env.PER_MINUTE, 600),
    };
}
/** The answer to a hello. */
export function welcome(hello, epoch, env) {
    const theirs = Array.isArray(hello["protocols"]) ? hello["protocols"] : [];
    const common = PROTOCOLS.filter((version) => theirs.includes(version));
    if (common.length === 0)
        throw new Problem("protocol", `this relay speaks versions ${PROTOCOLS.join(", ")} of the protocol`);
    return {
        protocol: Math.max(...common),
        relay: `remuda-worker ${VERSION}`,
        epoch,
        now_ms: Date.now(),
        most_body_bytes: MOST_BODY,
        alive_s: Math.max(1, Math.round(settingsOf(env).aliveMs / 1000)),
        transports: ["http", "websocket"],
        upstreams: allowed(env.ALLOW),
    };
}
