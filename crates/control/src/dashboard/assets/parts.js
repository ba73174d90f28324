// Parts that more than one page shows.

import { h } from "./dom.js";
import { herd, now } from "./herd.js";
import * as words from "./words.js";

/** A state as a pill: a word and a shape, never colour alone. */
export function state(account) {
  const tone = { ready: "good", resting: "mind", needs_login: "bad", disabled: "bad", paused: "quiet" }[account.state];
  return h("span", { class: `pill ${tone}` }, words.STATES[account.state] ?? account.state);
}

/** Bars of all windows of an account. */
export function windows(account) {
  if (!account.windows.length) {
    return h("p", { class: "quiet" }, account.quota?.usage?.why_not ?? "Nothing is known yet: answers will tell.");
  }
  return h("ul", { class: "windows" }, account.windows.map((window) => bar(account, window)));
}

function bar(account, window) {
  const left = window.remaining_percent;
  const tone = left <= 10 ? "bad" : left <= 30 ? "mind" : "good";
  const resets = window.resets_at && window.resets_at > now() ? `new in ${words.span(window.resets_at - now())}` : "";
  const out = window.pace?.runs_out_at;
  const pace = out ? `at this pace spent in ${words.span(out - now())}` : window.pace ? "lasts until then" : "";
  const old = window.trust === "fresh" ? "" : ` (${{ old: "read", over: "started anew; read", refuted: "refuted by refusals; read" }[window.trust]} ${words.span(window.age_s)} ago)`;
  const id = `w-${account.id}-${window.window}`;
  return h(
    "li",
    { class: window.binding ? "binding" : null },
    h("span", { class: "name", id }, words.windowName(window.window)),
    h("meter", { class: tone, min: 0, max: 100, value: left.toFixed(1), "aria-labelledby": id }, words.percent(left)),
    h("span", { class: "left" }, `${words.percent(left)} left`),
    h("small", null, [resets, pace].filter(Boolean).join(" · "), old),
  );
}

/** When a rest ends, and why it is. */
export function rest(account) {
  const all = [account.resting && [null, account.resting], ...account.resting_models.map((r) => [r.model, r])].filter(Boolean);
  if (!all.length) return null;
  return h(
    "ul",
    { class: "rests" },
    all.map(([model, r]) =>
      h("li", null, model && [h("code", null, model), " "], `back in ${words.span(r.until - now())}: ${words.why(r.reason)}`, r.evidence && h("small", null, ` “${r.evidence}”`)),
    ),
  );
}

/** Requests that have ended, newest first. */
export function requests(list) {
  if (!list.length) return h("p", { class: "quiet" }, "No requests yet. Start an agent: ", h("code", null, "remuda run claude"));
  return h(
    "table",
    { class: "requests" },
    h("thead", null, h("tr", null, ["When", "Agent", "Model", "Account", "First word", "Tokens", "Cost", "End"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", null, list.map(row)),
  );
}

function row(r) {
  const tokens = r.tokens ?? {};
  const read = (tokens.input ?? 0) + (tokens.cache_read ?? 0) + (tokens.cache_write_5m ?? 0) + (tokens.cache_write_1h ?? 0);
  return h(
    "tr",
    { "data-key": r.id, class: r.ending === "served" ? null : "failed" },
    h("td", null, h("a", { href: `#/requests/${r.id}` }, words.moment(r.at))),
    h("td", { "data-th": "Agent" }, words.HOSTS[r.host] ?? r.host, h("small", null, ` ${r.kind === "main" ? words.projectName(r.project) : r.kind.replaceAll("_", " ")}`)),
    h("td", { "data-th": "Model" }, h("code", null, r.model || "–")),
    h("td", { "data-th": "Account" }, r.moved ? [h("s", null, r.source), " → "] : "", h("b", null, r.account ?? "nobody"), r.moved && h("span", { class: "pill mind" }, "moved")),
    h("td", { "data-th": "First word", class: "number" }, words.ms(r.first_byte_ms)),
    h("td", { "data-th": "Tokens", class: "number" }, tokens.input === null || tokens.input === undefined ? "–" : `${words.count(read)} → ${words.count(tokens.output ?? 0)}`),
    h("td", { "data-th": "Cost", class: "number" }, r.cost_class === "included" && r.cost_usd !== null ? h("span", { title: "list price; included in the plan" }, words.usd(r.cost_usd)) : words.usd(r.cost_usd)),
    h("td", { "data-th": "End" }, h("span", { class: `pill ${r.ending === "served" ? "good" : r.ending === "failed" || r.ending === "broke_off" ? "bad" : "quiet"}` }, words.ENDINGS[r.ending] ?? r.ending), r.class && h("small", null, ` ${words.why(r.class)}`)),
  );
}

/** Requests under way. */
export function live(list) {
  if (!list.length) return h("p", { class: "quiet" }, "Nothing is under way.");
  return h(
    "ul",
    { class: "live" },
    list.map((r) =>
      h(
        "li",
        { "data-key": r.id },
        h("span", { class: `pill ${r.stage === "waiting" ? "mind" : "good"}` }, words.STAGES[r.stage] ?? r.stage),
        ` ${words.HOSTS[r.host] ?? r.host} · `,
        h("code", null, r.model || "–"),
        r.account && [" on ", h("b", null, r.account)],
        r.attempts > 1 && h("small", null, ` · try ${r.attempts}`),
        h("small", null, r.until && r.stage === "waiting" ? ` · goes on in ${words.span(r.until - now())}` : ` · ${words.span(now() - r.at)}`),
        h("button", { class: "small", "data-act": "stop-live", "data-request": r.id, "aria-label": `Stop this request of ${words.HOSTS[r.host] ?? r.host}` }, "Stop"),
      ),
    ),
  );
}

/** Names of everything that can serve: accounts, then pools. */
export const targets = () => [...herd.overview.accounts.map((a) => a.label), ...herd.overview.pools.map((p) => `@${p.name}`)];

/** One figure with its name. */
export function figure(value, text, hint) {
  return h("div", { class: "figure" }, h("b", null, value), h("span", null, text), hint && h("small", null, hint));
}
