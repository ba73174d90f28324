// Who may use the relay, and how often.
import { Problem } from "./code.js";
const SHORTEST = 22;
/** The number of the valid token that a request has; otherwise it goes no further. */
export async function recognise(request, env) {
    const stated = /^bearer (\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "";
    const hash = await digest(stated);
    let valid = -1;
    // All are compared, and each to its end: the time says nothing about how much of a token is right.
    for (const [number, token] of [env.RELAY_TOKEN, env.RELAY_TOKEN_NEXT].entries()) {
        const known = await digest(token ?? "");
        const differs = known.reduce((sum, byte, at) => sum | (byte ^ (hash[at] ?? 0)), 0);
        if (differs === 0 && token !== undefined && token.length >= SHORTEST)
            valid = number;
    }
    if (valid < 0)
        throw new Problem("unauthorized", "a valid relay token is needed");
    return valid;
}
async function digest(text) {
    return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
/** A bucket that fills evenly and holds a quarter of a minute's worth. One per token and isolate. */
export class Limit {
    #levels = new Map();
    take(token, perMinute, nowMs) {
        const most = Math.max(1, perMinute / 4);
        const known = this.#levels.get(token) ?? { level: most, at: nowMs };
        const level = Math.min(most, known.level + ((nowMs - known.at) * perMinute) / 60_000);
        if (level < 1) {
            const afterS = Math.max(1, Math.ceil(((1 - level) * 60) / perMinute));
            throw new Problem("rate_limited", `too many requests; again in ${afterS} s`, { afterS });
        }
        this.#levels.set(token, { level: level - 1, at: nowMs });
    }
}
