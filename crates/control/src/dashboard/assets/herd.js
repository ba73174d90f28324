// The live state: one overview, kept up to date by the event stream.

import { call } from "./api.js";

const MOST_RECENT = 50;
const KINDS = ["resync", "herd", "accounts", "windows", "decisions", "holds", "logins", "alerts"];

/** Everything that pages read. `trouble`: why there is nothing to show. */
export const herd = { overview: null, live: false, trouble: null, skew: 0, moves: 0 };

const listeners = new Set();
let stream = null;
let retry = 0;

/** Calls `listener` after each change, with the event if it was one. */
export function watch(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Seconds of the daemon's clock. */
export const now = () => Date.now() / 1000 + herd.skew;

function changed(event) {
  for (const listener of listeners) listener(event);
}

/** Reads everything anew and follows the stream from there. */
export async function begin() {
  stream?.close();
  stream = null;
  try {
    const overview = await call("GET", "overview");
    herd.overview = overview;
    herd.skew = overview.now - Date.now() / 1000;
    herd.trouble = null;
    retry = 0;
    follow(overview.events_after);
  } catch (failure) {
    herd.trouble = failure;
    herd.live = false;
    if (failure.status !== 401) setTimeout(begin, Math.min(30_000, 500 * 2 ** retry++));
  }
  changed();
}

function follow(after) {
  stream = new EventSource(`/api/v1/events${after ? `?after=${encodeURIComponent(after)}` : ""}`);
  stream.onopen = () => {
    herd.live = true;
    changed();
  };
  stream.onerror = () => {
    herd.live = false;
    changed();
    // The browser comes back by itself, with the last id; unless the daemon says that it may not.
    if (stream?.readyState === EventSource.CLOSED) setTimeout(begin, 2_000);
  };
  for (const kind of KINDS) stream.addEventListener(kind, ({ data }) => take(JSON.parse(data)));
}

function take(event) {
  const all = herd.overview;
  if (!all) return;
  all.now = event.at;
  switch (event.kind) {
    case "resync":
      if (herd.live) void begin();
      return;
    case "herd":
      for (const part of ["active", "accounts", "pools", "chains", "pins"]) all[part] = event[part];
      break;
    case "accounts":
      all.accounts = all.accounts.map((account) => (account.id === event.account.id ? event.account : account));
      break;
    case "windows":
      for (const account of all.accounts) if (account.id === event.account_id) account.windows = event.windows;
      break;
    case "decisions":
      step(all, event);
      break;
    case "holds":
      put(all.live, event.request);
      break;
    case "alerts":
      all.alerts = [event.alert, ...all.alerts.filter((alert) => alert.id !== event.alert.id)].filter((alert) => !alert.over_at);
      break;
    default:
  }
  changed(event);
}

function step(all, { what, request }) {
  if (what !== "finished") return put(all.live, request);
  all.live = all.live.filter((live) => live.id !== request.id);
  all.recent = [request, ...all.recent.filter((old) => old.id !== request.id)].slice(0, MOST_RECENT);
  add(all.last_day, request);
  if (request.moved) herd.moves += 1;
}

function put(list, request) {
  const at = list.findIndex((live) => live.id === request.id);
  if (at < 0) list.push(request);
  else list[at] = request;
}

// What the daemon adds to its sums, until the next overview says it exactly.
function add(sum, request) {
  if (request.kind === "count_tokens" || request.kind === "models") return;
  const tokens = request.tokens ?? {};
  sum.requests += 1;
  sum.moved += request.moved ? 1 : 0;
  sum.failed += request.ending === "failed" || request.ending === "broke_off" ? 1 : 0;
  for (const field of ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"]) sum[field] += tokens[field] ?? 0;
  sum.cost_usd += request.cost_usd ?? 0;
}
