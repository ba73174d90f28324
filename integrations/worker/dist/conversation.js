// One conversation: a Durable Object, because there messages of one conversation meet one after the other, wherever they
// come in, and what was taken is on the disk before the vendor is called (the runtime holds the call back until the write is
// confirmed). KV could promise neither.
import { DurableObject } from "cloudflare:workers";
import { Problem } from "./code.js";
import { hex, open, seal, sealingKey } from "./coding.js";
import { look, settle, WINDOW_MS } from "./exchange.js";
import { jsonRecord, KIND, only, record } from "./record.js";
import { Recording } from "./recording.js";
import { parse, readJson } from "./request.js";
import { MOST_BODY, settingsOf, welcome } from "./settings.js";
import { Limit } from "./token.js";
import { allowed, passed, vendorRequest } from "./upstream.js";
const KEEP_MS = 3_600_000;
const KEEP_ANSWER_MS = 60_000;
const HEAD_MS = 600_000;
const IDLE_MS = 300_000;
const FIRST_CREDIT = 256 * 1024;
const MOST_DATA = 64 * 1024;
/** Less than the largest value that the storage takes (2 MiB). */
const PIECE = 1024 * 1024;
export class Conversation extends DurableObject {
    #answer;
    #turn = Promise.resolve();
    #limit = new Limit();
    #sockets = new Map();
    #settings;
    constructor(state, env) {
        super(state, env);
        this.#settings = settingsOf(env);
    }
    async fetch(request) {
        try {
            return await this.#serve(request);
        }
        catch (thrown) {
            return refusal(Problem.of(thrown));
        }
    }
    async #serve(request) {
        const name = request.headers.get("x-remuda-conversation") ?? "";
        const path = new URL(request.url).pathname;
        if (path === "/v1/socket") {
            const { 0: client, 1: server } = new WebSocketPair();
            this.ctx.acceptWebSocket(server, [name]);
            return new Response(null, { status: 101, webSocket: client, headers: RELAY_HEADERS });
        }
        const bytes = new Uint8Array(await request.arrayBuffer());
        if (path === "/v1/hello")
            return Response.json(await this.#welcome(readJson(bytes)), { headers: RELAY_HEADERS });
        if (path === "/v1/exchange") {
            const received = only(bytes);
            if (received?.kind !== KIND.exchange)
                throw new Problem("malformed", "not an exchange");
            return this.#following(await this.#exchange(name, received.content));
        }
        const asked = readJson(bytes);
        if (path === "/v1/resume")
            return this.#following(await this.#resume(asked));
        if (path === "/v1/cancel") {
            if (this.#answer !== undefined && this.#answer.id === asked["id"])
                this.#answer.abort.abort();
            return Response.json({}, { headers: RELAY_HEADERS });
        }
        throw new Problem("not_found", "no such path");
    }
    async #welcome(hello) {
        return welcome(hello, (await this.#meta()).epoch, this.env);
    }
    async #meta() {
        const known = await this.ctx.storage.get("meta");
        if (known !== undefined)
            return known;
        const fresh = { epoch: hex(crypto.getRandomValues(new Uint8Array(16))), pieces: 0 };
        await this.ctx.storage.put("meta", fresh);
        await this.ctx.storage.setAlarm(Date.now() + KEEP_MS);
        return fresh;
    }
    /** Messages meet one after the other, from the first look to the last change. */
    async #exchange(name, content) {
        const turn = this.#turn.then(() => this.#take(name, content));
        this.#turn = turn.catch(() => undefined);
        return turn;
    }
    async #take(name, content) {
        const { head, payload } = await parse(content, MOST_BODY);
        if (head.conversation !== name)
            throw new Problem("malformed", "the head names another conversation");
        const meta = await this.#meta();
        if (look(head, meta.last, meta.epoch, Date.now()) === "again") {
            const follower = this.#answer?.id === head.id ? this.#answer.follow(0) : undefined;
            if (follower === undefined)
                throw gone();
            return follower;
        }
        const { url, init } = vendorRequest(head, allowed(this.env.ALLOW));
        const key = await sealingKey(head.key);
        const held = head.base === undefined ? undefined : await this.#held(meta, key, name);
        const { standing, body } = await settle(held, head, payload);
        if (body.length > MOST_BODY)
            throw new Problem("too_large", "the rebuilt body is larger than the relay takes");
        const last = { id: head.id, at_ms: head.at_ms };
        await this.#keep(meta, { epoch: meta.epoch, last, standing, pieces: 0 }, await seal(key, place(name, standing), body));
        this.#answer?.abort.abort();
        const recording = new Recording(head.id, this.#settings.graceMs);
        const follower = recording.follow(0);
        if (follower === undefined)
            throw new Problem("internal", "an answer was not opened");
        this.#answer = recording;
        this.ctx.waitUntil(call(recording, url, { ...init, body }));
        return follower;
    }
    async #held(meta, key, name) {
        const { standing, pieces } = meta;
        if (standing === undefined)
            return undefined;
        const stored = await this.ctx.storage.get(names(pieces));
        const sealed = new Uint8Array([...stored.values()].reduce((sum, piece) => sum + piece.length, 0));
        let at = 0;
        for (const piece of names(pieces).map((key) => stored.get(key))) {
            if (piece === undefined)
                return undefined;
            sealed.set(piece, at);
            at += piece.length;
        }
        const body = await open(key, place(name, standing), sealed, MOST_BODY);
        return body && { standing, body };
    }
    /** In one step, on the disk before anything else happens. */
    async #keep(before, meta, sealed) {
        const entries = {};
        let pieces = 0;
        for (let at = 0; at < sealed.length; at += PIECE)
            entries[`body:${pieces++}`] = sealed.slice(at, at + PIECE);
        entries["meta"] = { ...meta, pieces };
        const old = names(before.pieces).slice(pieces);
        await Promise.all([
            this.ctx.storage.put(entries),
            old.length > 0 ? this.ctx.storage.delete(old) : undefined,
            this.ctx.storage.setAlarm(Date.now() + KEEP_MS),
        ]);
    }
    async #resume(asked) {
        const meta = await this.#meta();
        if (meta.last === undefined || meta.last.id !== asked["id"]) {
            throw new Problem("unknown_request", "the relay has not taken such a request", { epoch: meta.epoch });
        }
        const from = Number(asked["received"]);
        const follower = this.#answer?.id === meta.last.id ? this.#answer.follow(from) : undefined;
        if (follower === undefined)
            throw gone();
        return follower;
    }
    /** Rested for too long: forgotten, but not while a repetition of its last message could still be mistaken for new. */
    async alarm() {
        const meta = await this.ctx.storage.get("meta");
        const busy = this.#answer !== undefined && this.#answer.finishedAt === undefined;
        if (busy || (meta?.last !== undefined && Date.now() < meta.last.at_ms + 2 * WINDOW_MS)) {
            await this.ctx.storage.setAlarm(Date.now() + KEEP_MS);
            return;
        }
        await this.ctx.storage.deleteAll();
        this.#answer = undefined;
    }
    #following(follower) {
        const aliveMs = this.#settings.aliveMs;
        const source = {
            async pull(controller) {
                const step = await follower.next(aliveMs);
                if (step.kind === "record")
                    controller.enqueue(step.bytes);
                else if (step.kind === "silent")
                    controller.enqueue(record(KIND.alive));
                else if (step.kind === "end")
                    controller.close();
                else
                    controller.error(new Error("the answer is followed by another connection"));
            },
            cancel() {
                follower.left();
            },
        };
        // Nothing is read ahead: what has left the recording counts as read.
        const body = new ReadableStream(source, { highWaterMark: 0 });
        const headers = { ...RELAY_HEADERS, "content-type": "application/x-remuda-relay", "cache-control": "no-store, no-transform" };
        return new Response(body, { headers });
    }
    // The same over a WebSocket: one exchange at a time, and the client grants bytes, because sending does not wait.
    async webSocketMessage(socket, message) {
        const state = this.#socket(socket);
        try {
            const received = typeof message === "string" ? undefined : only(new Uint8Array(message));
            if (received === undefined)
                throw new Problem("malformed", "an unreadable record");
            await this.#heard(socket, state, received);
        }
        catch (thrown) {
            socket.send(jsonRecord(KIND.problem, Problem.of(thrown)));
        }
    }
    webSocketClose(socket) {
        this.#sockets.get(socket)?.answer?.left();
        this.#sockets.delete(socket);
    }
    webSocketError(socket) {
        this.webSocketClose(socket);
    }
    #socket(socket) {
        const known = this.#sockets.get(socket);
        if (known !== undefined)
            return known;
        const fresh = { credit: FIRST_CREDIT, answer: undefined, granted: () => undefined };
        this.#sockets.set(socket, fresh);
        return fresh;
    }
    async #heard(socket, state, { kind, content }) {
        switch (kind) {
            case KIND.alive:
                return;
            case KIND.hello:
                socket.send(jsonRecord(KIND.hello, await this.#welcome(readJson(content))));
                return;
            case KIND.credit: {
                const bytes = Number(readJson(content)["bytes"]);
                if (Number.isSafeInteger(bytes) && bytes > 0)
                    state.credit += bytes;
                state.granted();
                return;
            }
            case KIND.cancel: {
                const id = readJson(content)["id"];
                if (state.answer === undefined || state.answer.id !== id)
                    return;
                state.answer = undefined;
                state.granted();
                if (this.#answer?.id === id)
                    this.#answer.abort.abort();
                throw new Problem("cancelled", "the request was cancelled", { called: true });
            }
            case KIND.exchange:
            case KIND.resume: {
                if (state.answer !== undefined)
                    throw new Problem("malformed", "the last answer has not ended");
                const name = this.ctx.getTags(socket)[0] ?? "";
                // The door has counted the socket, not what comes through it.
                if (kind === KIND.exchange)
                    this.#limit.take(0, this.#settings.perMinute, Date.now());
                const follower = kind === KIND.exchange ? await this.#exchange(name, content) : await this.#resume(readJson(content));
                state.answer = follower;
                socket.send(record(KIND.taken));
                this.ctx.waitUntil(this.#stream(socket, state, follower));
                return;
            }
            default:
                throw new Problem("malformed", "a record that only a relay sends");
        }
    }
    async #stream(socket, state, follower) {
        try {
            while (state.answer === follower) {
                if (state.credit <= 0) {
                    await this.#creditOrAlive(socket, state);
                    continue;
                }
                const step = await follower.next(this.#settings.aliveMs);
                if (state.answer !== follower)
                    return;
                if (step.kind === "record") {
                    state.credit -= step.bytes.length;
                    socket.send(step.bytes);
                }
                else if (step.kind === "silent") {
                    socket.send(record(KIND.alive));
                }
                else {
                    state.answer = undefined;
                    if (step.kind === "displaced")
                        socket.close(1000, "followed by another connection");
                }
            }
        }
        catch {
            follower.left();
        }
    }
    async #creditOrAlive(socket, state) {
        let timer;
        const granted = await new Promise((resolve) => {
            state.granted = () => resolve(true);
            timer = setTimeout(() => resolve(false), this.#settings.aliveMs);
        });
        clearTimeout(timer ?? null);
        if (!granted)
            socket.send(record(KIND.alive));
    }
}
/** Asks the vendor and writes its answer to the recording. */
async function call(recording, url, init) {
    const signal = recording.abort.signal;
    let headHere = false;
    try {
        const answer = await within(fetch(url, { ...init, signal }), HEAD_MS, signal);
        headHere = true;
        recording.push(jsonRecord(KIND.head, { status: answer.status, headers: passed(answer.headers) }));
        const reader = answer.body?.getReader();
        const hangUp = () => void reader?.cancel().catch(() => undefined);
        signal.addEventListener("abort", hangUp);
        for (;;) {
            await recording.room();
            if (signal.aborted)
                throw cancelled();
            const piece = await within(reader?.read() ?? Promise.resolve({ done: true, value: undefined }), IDLE_MS, signal);
            if (signal.aborted)
                throw cancelled();
            if (piece.done)
                break;
            for (let at = 0; at < piece.value.length; at += MOST_DATA) {
                recording.push(record(KIND.data, piece.value.subarray(at, at + MOST_DATA)));
            }
        }
        recording.finish(jsonRecord(KIND.end, {}));
    }
    catch (thrown) {
        recording.abort.abort();
        recording.finish(jsonRecord(KIND.problem, failure(thrown, headHere, signal.reason)));
    }
    setTimeout(() => recording.forget(), KEEP_ANSWER_MS);
}
function failure(thrown, headHere, reason) {
    if (thrown instanceof Problem)
        return thrown;
    if (reason instanceof Problem)
        return reason;
    const text = thrown instanceof Error ? thrown.message : "";
    // The runtime says so only when no connection came about.
    if (!headHere && /refused|unreachable|dns|resolve|certificate|tls/i.test(text)) {
        return new Problem("vendor_unreachable", "the vendor could not be reached");
    }
    return new Problem("vendor_broke", "the vendor's connection broke", { called: true });
}
async function within(promise, ms, signal) {
    let timer;
    let aborted;
    const ended = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Problem("vendor_silent", "the vendor fell silent", { called: true })), ms);
        aborted = () => reject(cancelled());
        signal.addEventListener("abort", aborted);
    });
    promise.catch(() => undefined);
    try {
        return await Promise.race([promise, ended]);
    }
    finally {
        clearTimeout(timer ?? null);
        if (aborted !== undefined)
            signal.removeEventListener("abort", aborted);
    }
}
function cancelled() {
    return new Problem("cancelled", "the request was cancelled", { called: true });
}
function gone() {
    return new Problem("answer_gone", "the answer is not kept any more", { called: true });
}
function place(name, standing) {
    return `remuda relay body 1\n${name}\n${standing.revision}\n${standing.hash}`;
}
function names(pieces) {
    return Array.from({ length: pieces }, (_, number) => `body:${number}`);
}
export const RELAY_HEADERS = { "x-remuda-relay": "1" };
/** The relay's own error on HTTP. */
export function refusal(problem) {
    const headers = new Headers({ ...RELAY_HEADERS, "x-remuda-relay-error": problem.code });
    if (problem.afterS !== undefined)
        headers.set("retry-after", String(problem.afterS));
    return Response.json(problem, { status: problem.status, headers });
}
