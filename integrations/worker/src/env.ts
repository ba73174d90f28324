// What the Worker is given: its conversations, its tokens, and what its owner set.

import type { Conversation } from "./conversation.js";

export interface Env {
  readonly CONVERSATIONS: DurableObjectNamespace<Conversation>;
  /** Who may use the relay. */
  readonly RELAY_TOKEN?: string;
  /** A second valid token, while tokens are changed. */
  readonly RELAY_TOKEN_NEXT?: string;
  /** More origins that may be called, with commas between them. */
  readonly ALLOW?: string;
  /** Requests per minute, token and place of Cloudflare's. */
  readonly PER_MINUTE?: string;
  /** For trials: milliseconds of silence after which the relay says that it is there. */
  readonly ALIVE_MS?: string;
  /** For trials: milliseconds for which an answer that nobody follows goes on. */
  readonly GRACE_MS?: string;
}
