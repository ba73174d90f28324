// A vendor's answer on its way through the relay: the call writes it, a transport follows it. What was read is kept for a
// while, so that a client that lost its connection goes on where it stopped.
const AHEAD = 256 * 1024;
const MOST_KEPT = 1024 * 1024;
export class Recording {
    id;
    abort = new AbortController();
    finishedAt;
    #kept = [];
    #keptBytes = 0;
    #end = 0;
    #read = 0;
    #follower = 0;
    #waiting = [];
    #grace;
    #graceMs;
    constructor(id, graceMs) {
        this.id = id;
        this.#graceMs = graceMs;
    }
    push(bytes) {
        this.#kept.push({ at: this.#end, bytes });
        this.#end += bytes.length;
        this.#keptBytes += bytes.length;
        for (let first = this.#kept[0]; first !== undefined; first = this.#kept[0]) {
            if (this.#keptBytes <= MOST_KEPT || first.at + first.bytes.length > this.#read)
                break;
            this.#keptBytes -= first.bytes.length;
            this.#kept.shift();
        }
        this.#changed();
    }
    finish(bytes) {
        this.push(bytes);
        this.finishedAt = Date.now();
        clearTimeout(this.#grace ?? null);
        this.#changed();
    }
    /** Nobody will ask for it again. */
    forget() {
        this.#kept = [];
        this.#keptBytes = 0;
    }
    /** Waits until the vendor may say more. */
    async room() {
        while (this.#end - this.#read >= AHEAD && !this.abort.signal.aborted)
            await this.#change();
    }
    /** Follows from this offset; whoever followed before is displaced. `undefined`: what stands there is not kept. */
    follow(from) {
        if (from !== this.#end && this.#index(from) === undefined)
            return undefined;
        clearTimeout(this.#grace ?? null);
        const number = ++this.#follower;
        this.#changed();
        return new Follower(this, number, from);
    }
    async next(number, at, silentMs) {
        const until = Date.now() + silentMs;
        for (;;) {
            if (number !== this.#follower)
                return { kind: "displaced" };
            const index = this.#index(at);
            const found = index === undefined ? undefined : this.#kept[index];
            if (found !== undefined) {
                this.#read = Math.max(this.#read, at + found.bytes.length);
                this.#changed();
                return { kind: "record", bytes: found.bytes };
            }
            if (this.finishedAt !== undefined)
                return { kind: "end" };
            const left = until - Date.now();
            if (left <= 0)
                return { kind: "silent" };
            await this.#change(left);
        }
    }
    /** Nobody follows any more. Unless somebody does again soon, the vendor is hung up on. */
    left(number) {
        if (number !== this.#follower || this.finishedAt !== undefined)
            return;
        clearTimeout(this.#grace ?? null);
        this.#grace = setTimeout(() => this.abort.abort(), this.#graceMs);
    }
    #index(at) {
        let [low, high] = [0, this.#kept.length - 1];
        while (low <= high) {
            const middle = (low + high) >> 1;
            const found = this.#kept[middle];
            if (found === undefined || found.at === at)
                return found && middle;
            if (found.at < at)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return undefined;
    }
    #changed() {
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const wake of waiting)
            wake();
    }
    async #change(mostMs) {
        let timer;
        await new Promise((resolve) => {
            this.#waiting.push(resolve);
            if (mostMs !== undefined)
                timer = setTimeout(resolve, mostMs);
        });
        clearTimeout(timer ?? null);
    }
}
export class Follower {
    #recording;
    #number;
    #at;
    constructor(recording, number, at) {
        this.#recording = recording;
        this.#number = number;
        this.#at = at;
    }
    get id() {
        return this.#recording.id;
    }
    async next(silentMs) {
        const step = await this.#recording.next(this.#number, this.#at, silentMs);
        if (step.kind === "record")
            this.#at += step.bytes.length;
        return step;
    }
    left() {
        this.#recording.left(this.#number);
    }
}
