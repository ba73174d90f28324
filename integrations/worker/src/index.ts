// Remuda's relay as a Cloudflare Worker. The door: who may come in, how often, and to which conversation. The protocol is
// docs/relay-protocol.md. Nothing here logs a body, a header or a token.

import { Problem } from "./code.js";
import { refusal, RELAY_HEADERS } from "./conversation.js";
import type { Env } from "./env.js";
import { readJson } from "./request.js";
import { MOST_BODY, settingsOf, welcome } from "./settings.js";
import { Limit, recognise } from "./token.js";

export { Conversation } from "./conversation.js";

const PATHS: ReadonlySet<string> = new Set(["/v1/hello", "/v1/exchange", "/v1/resume", "/v1/cancel", "/v1/socket"]);
const MOST_MESSAGE = MOST_BODY + 256 * 1024;
const limit = new Limit();

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      return await enter(request, env);
    } catch (thrown) {
      return refusal(Problem.of(thrown));
    }
  },
} satisfies ExportedHandler<Env>;

async function enter(request: Request, env: Env): Promise<Response> {
  const path = new URL(request.url).pathname;
  if (request.method === "GET" && path === "/livez") return new Response("ok\n", { headers: RELAY_HEADERS });
  const token = await recognise(request, env);
  limit.take(token, settingsOf(env).perMinute, Date.now());
  const method = path === "/v1/socket" ? "GET" : "POST";
  if (!PATHS.has(path) || request.method !== method) throw new Problem("not_found", "no such path");
  if (Number(request.headers.get("content-length") ?? 0) > MOST_MESSAGE) {
    throw new Problem("too_large", "the message is larger than the relay takes");
  }
  const name = request.headers.get("x-remuda-conversation");
  if (name === null && path === "/v1/hello") {
    const hello = readJson(new Uint8Array(await request.arrayBuffer()));
    return Response.json(welcome(hello, "", env), { headers: RELAY_HEADERS });
  }
  if (name === null || !/^[A-Za-z0-9_-]{8,64}$/.test(name)) {
    throw new Problem("malformed", "a conversation is named by 8 to 64 letters, digits, - or _");
  }
  if (path === "/v1/socket" && request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new Problem("malformed", "a WebSocket is expected here");
  }
  return env.CONVERSATIONS.getByName(name).fetch(request);
}
