// A vendor's answer on its way through the relay: the call writes it, a transport follows it. What was read is kept for a
// while, so that a client that lost its connection goes on where it stopped.

const AHEAD = 256 * 1024;
const MOST_KEPT = 1024 * 1024;

export type Step = { kind: "record"; bytes: Uint8Array } | { kind: "silent" } | { kind: "end" } | { kind: "displaced" };

export class Recording {
  readonly id: string;
  readonly abort = new AbortController();
  finishedAt: number | undefined;
  #kept: { at: number; bytes: Uint8Array }[] = [];
  #keptBytes = 0;
  #end = 0;
  #read = 0;
  #follower = 0;
  #waiting: (() => void)[] = [];
  #grace: ReturnType<typeof setTimeout> | undefined;
  readonly #graceMs: number;

  constructor(id: string, graceMs: number) {
    this.id = id;
    this.#graceMs = graceMs;
  }

  push(bytes: Uint8Array): void {
    this.#kept.push({ at: this.#end, bytes });
    this.#end += bytes.length;
    this.#keptBytes += bytes.length;
    for (let first = this.#kept[0]; first !== undefined; first = this.#kept[0]) {
      if (this.#keptBytes <= MOST_KEPT || first.at + first.bytes.length > this.#read) break;
      this.#keptBytes -= first.bytes.length;
      this.#kept.shift();
    }
    this.#changed();
  }

  finish(bytes: Uint8Array): void {
    this.push(bytes);
    this.finishedAt = Date.now();
    clearTimeout(this.#grace ?? null);
    this.#changed();
  }

  /** Nobody will ask for it again. */
  forget(): void {
    this.#kept = [];
    this.#keptBytes = 0;
  }

  /** Waits until the vendor may say more. */
  async room(): Promise<void> {
    while (this.#end - this.#read >= AHEAD && !this.abort.signal.aborted) await this.#change();
  }

  /** Follows from this offset; whoever followed before is displaced. `undefined`: what stands there is not kept. */
  follow(from: number): Follower | undefined {
    if (from !== this.#end && this.#index(from) === undefined) return undefined;
    clearTimeout(this.#grace ?? null);
    const number = ++this.#follower;
    this.#changed();
    return new Follower(this, number, from);
  }

  async next(number: number, at: number, silentMs: number): Promise<Step> {
    const until = Date.now() + silentMs;
    for (;;) {
      if (number !== this.#follower) return { kind: "displaced" };
      const index = this.#index(at);
      const found = index === undefined ? undefined : this.#kept[index];
      if (found !== undefined) {
        this.#read = Math.max(this.#read, at + found.bytes.length);
        this.#changed();
        return { kind: "record", bytes: found.bytes };
      }
      if (this.finishedAt !== undefined) return { kind: "end" };
      const left = until - Date.now();
      if (left <= 0) return { kind: "silent" };
      await this.#change(left);
    }
  }

  /** Nobody follows any more. Unless somebody does again soon, the vendor is hung up on. */
  left(number: number): void {
    if (number !== this.#follower || this.finishedAt !== undefined) return;
    clearTimeout(this.#grace ?? null);
    this.#grace = setTimeout(() => this.abort.abort(), this.#graceMs);
  }

  #index(at: number): number | undefined {
    let [low, high] = [0, this.#kept.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = this.#kept[middle];
      if (found === undefined || found.at === at) return found && middle;
      if (found.at < at) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  async #change(mostMs?: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      if (mostMs !== undefined) timer = setTimeout(resolve, mostMs);
    });
    clearTimeout(timer ?? null);
  }
}

export class Follower {
  readonly #recording: Recording;
  readonly #number: number;
  #at: number;

  constructor(recording: Recording, number: number, at: number) {
    this.#recording = recording;
    this.#number = number;
    this.#at = at;
  }

  get id(): string {
    return this.#recording.id;
  }

  async next(silentMs: number): Promise<Step> {
    const step = await this.#recording.next(this.#number, this.#at, silentMs);
    if (step.kind === "record") this.#at += step.bytes.length;
    return step;
  }

  left(): void {
    this.#recording.left(this.#number);
  }
}
