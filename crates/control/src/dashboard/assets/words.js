// Numbers, times and the words of the control API, as people read them.

const number = new Intl.NumberFormat("en");
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const HOSTS = { claude: "Claude Code", codex: "Codex CLI", pi: "Pi", opencode: "OpenCode", qwen: "Qwen Code", other: "other" };
export const VENDORS = { anthropic: "Anthropic", openai: "OpenAI", qwen: "Alibaba Qwen" };
export const STATES = { ready: "ready", resting: "resting", needs_login: "needs login", disabled: "closed by the vendor", paused: "switched off" };
export const ENDINGS = { served: "served", failed: "failed", broke_off: "broke off", abandoned: "client left", stopped: "stopped" };
export const STAGES = { routing: "choosing", asking: "asking", waiting: "waiting", streaming: "streaming" };
export const COSTS = { included: "included", metered: "metered", free: "free" };
export const STRATEGIES = {
  ordered: "the first that can",
  headroom: "most left",
  "soonest-reset": "resets first",
  balanced: "balanced",
  "round-robin": "in turn",
};
const CLASSES = {
  request_fault: "the request itself was refused",
  credential_stale: "its token was refused",
  credential_dead: "its login is over",
  account_disabled: "closed by the vendor",
  window_exhausted: "its quota window is spent",
  model_exhausted: "not this model now",
  billing: "money or credits",
  burst: "too fast",
  overloaded: "vendor overloaded",
  transient: "failed in passing",
  network_blocked: "network blocked",
  terms_refused: "refused by terms",
};

/** A verdict in words. */
export const why = (verdict) => CLASSES[verdict] ?? String(verdict ?? "").replaceAll("_", " ");

/** `5h`, `7d`, `opus`: a window in short. */
export function windowName(name) {
  if (name === "five_hour") return "5h";
  if (name === "seven_day") return "7d";
  if (name.startsWith("model:")) return name.slice(6);
  if (name.startsWith("other:")) return span(Number(name.slice(6)));
  return name;
}

export const count = (n) => (n >= 10_000 ? compact.format(n) : number.format(n));
export const percent = (n) => `${n < 10 && n > 0 && n % 1 ? n.toFixed(1) : Math.round(n)} %`;

export function usd(n) {
  if (n === null || n === undefined) return "unknown";
  if (n === 0) return "$0";
  return n < 0.01 && n > 0 ? "< $0.01" : `${n < 0 ? "−" : ""}$${Math.abs(n).toFixed(Math.abs(n) < 100 ? 2 : 0)}`;
}

/** Seconds as `3 d 4 h`, `4 h 12 min`, `12 min`, `40 s`. */
export function span(seconds) {
  const s = Math.max(0, Math.round(seconds));
  if (s >= 86_400) return parts(Math.floor(s / 86_400), "d", Math.floor((s % 86_400) / 3600), "h");
  if (s >= 3600) return parts(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
  if (s >= 90) return `${Math.round(s / 60)} min`;
  return `${s} s`;
}

function parts(a, unit, b, smaller) {
  return b ? `${a} ${unit} ${b} ${smaller}` : `${a} ${unit}`;
}

export function ms(n) {
  if (n === null || n === undefined) return "–";
  return n < 1000 ? `${n} ms` : n < 60_000 ? `${(n / 1000).toFixed(1)} s` : span(n / 1000);
}

/** A moment: the time today, else with its day. */
export function moment(seconds) {
  if (!seconds) return "–";
  const date = new Date(seconds * 1000);
  const time = { hour: "2-digit", minute: "2-digit" };
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString([], today ? time : { ...time, weekday: "short", day: "numeric", month: "short" });
}

/** The host's own id of a conversation, short. */
export function sessionName(session) {
  if (!session) return "–";
  const id = session.slice(session.indexOf(":") + 1);
  return id.length > 13 ? `${id.slice(0, 12)}…` : id;
}

/** The last part of a directory. */
export const projectName = (path) => (path ? path.split("/").filter(Boolean).pop() ?? path : "–");
