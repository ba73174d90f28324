// The rules by which a relay takes a message of a conversation or refuses it. Pure.
import { Problem } from "./code.js";
import { hashOf } from "./coding.js";
import { apply, readOps } from "./delta.js";
/** How far a message's time of sending may lie from the relay's clock. */
export const WINDOW_MS = 300_000;
/** May this message be new? It is not if it was taken before; then its answer is given again. */
export function look(head, last, epoch, nowMs) {
    if (head.epoch !== epoch)
        throw new Problem("epoch", "the relay has forgotten this conversation", { epoch });
    if (last?.id === head.id)
        return "again";
    if (last !== undefined && head.at_ms <= last.at_ms) {
        throw new Problem("stale", "a later message of this conversation has been taken");
    }
    if (Math.abs(head.at_ms - nowMs) > WINDOW_MS) {
        throw new Problem("stale", "sent too long ago, or by a clock that is far off");
    }
    return "new";
}
/** The body of a message. Checks in this order: revision, base, edits, result. */
export async function settle(held, head, payload) {
    let body = payload;
    if (head.base !== undefined) {
        const ops = readOps(payload);
        if (held === undefined)
            throw mismatch();
        if (head.revision !== held.standing.revision + 1) {
            throw new Problem("out_of_order", "the message or its edits are out of order");
        }
        if (head.base !== held.standing.hash)
            throw mismatch();
        body = apply(held.body, ops);
    }
    if ((await hashOf(body)) !== head.next) {
        throw new Problem("hash_mismatch", "the rebuilt body is not the one that was meant");
    }
    return { standing: { hash: head.next, revision: head.revision }, body };
}
function mismatch() {
    return new Problem("base_mismatch", "the relay does not hold the body that the edits refer to");
}
