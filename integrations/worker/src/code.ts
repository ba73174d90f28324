// What a relay itself can have to say against a request, and the HTTP status that goes with it. Never mixed up with the
// vendor's errors: on HTTP the code stands in a header of its own, inside an answer it is a record of its own.

export const STATUS = {
  unauthorized: 401,
  upstream_not_allowed: 403,
  not_found: 404,
  unknown_request: 404,
  base_mismatch: 409,
  out_of_order: 409,
  hash_mismatch: 409,
  epoch: 409,
  stale: 409,
  answer_gone: 410,
  too_large: 413,
  malformed: 400,
  out_of_range: 400,
  not_char_boundary: 400,
  protocol: 426,
  rate_limited: 429,
  cancelled: 499,
  internal: 500,
  vendor_unreachable: 502,
  vendor_broke: 502,
  overloaded: 503,
  vendor_silent: 504,
} as const;

export type Code = keyof typeof STATUS;

/** A failure of the relay. `called`: the vendor could have seen the request. */
export class Problem extends Error {
  readonly code: Code;
  readonly called: boolean;
  readonly epoch: string | undefined;
  readonly afterS: number | undefined;

  constructor(code: Code, message: string, more: { called?: boolean; epoch?: string; afterS?: number } = {}) {
    super(message);
    this.code = code;
    this.called = more.called ?? false;
    this.epoch = more.epoch;
    this.afterS = more.afterS;
  }

  get status(): number {
    return STATUS[this.code];
  }

  toJSON(): object {
    const { code, message, called, epoch } = this;
    return epoch === undefined ? { code, message, called } : { code, message, called, epoch };
  }

  /** Whatever was thrown. The text of an unknown error may hold anything, so it stays here. */
  static of(thrown: unknown): Problem {
    return thrown instanceof Problem ? thrown : new Problem("internal", "the relay failed");
  }
}
