// Who serves, what is left, what happens.

import { act, say } from "../act.js";
import { call, name } from "../api.js";
import { h } from "../dom.js";
import { herd, now } from "../herd.js";
import { figure, live, requests, rest, state, windows } from "../parts.js";
import * as words from "../words.js";

export const title = "Overview";

export function draw() {
  const all = herd.overview;
  if (!all.accounts.length) return empty();
  return [
    h("h1", { class: "hidden" }, "Overview"),
    all.alerts.length ? h("section", { "aria-label": "Alerts" }, h("ul", { class: "alerts" }, all.alerts.map(alert))) : null,
    h("section", { class: "serving", "aria-labelledby": "who" }, h("h2", { id: "who" }, "Who serves"), serving(all)),
    h(
      "section",
      { "aria-labelledby": "left" },
      h("h2", { id: "left" }, "What is left"),
      h("div", { class: "cards" }, all.accounts.map((account) => card(account))),
    ),
    h("section", { "aria-labelledby": "way" }, h("h2", { id: "way" }, `Under way (${all.live.length})`), live(all.live)),
    h("section", { "aria-labelledby": "day" }, h("h2", { id: "day" }, "The last 24 hours"), day(all.last_day)),
    h("section", { "aria-labelledby": "recent" }, h("h2", { id: "recent" }, "Recent requests"), requests(all.recent.slice(0, 10)), h("p", null, h("a", { href: "#/requests" }, "All requests"))),
  ];
}

function empty() {
  return [
    h("h1", null, "No account yet"),
    h("p", null, "Remuda holds your coding-agent accounts and gives each request to the right one."),
    h("p", null, h("a", { class: "button main", href: "#/accounts/add" }, "Add an account"), " or in a terminal: ", h("code", null, "remuda login anthropic"), ", ", h("code", null, "remuda import")),
  ];
}

export function alert(one) {
  return h("li", { class: "alert", "data-key": one.id }, h("b", null, one.message), one.remedy && [" ", h("code", null, one.remedy)], h("small", null, ` since ${words.moment(one.raised_at)}`));
}

function serving(all) {
  const active = all.active;
  if (!active) return h("p", null, "Nobody is chosen. ", h("a", { href: "#/accounts" }, "Choose an account"));
  const members = active.startsWith("@") ? (all.pools.find((p) => `@${p.name}` === active)?.members ?? []) : [active];
  const chain = active.startsWith("@") ? [] : (all.chains.find((c) => c.source === active)?.targets ?? []);
  const busy = all.live.filter((r) => r.account && !members.includes(r.account));
  return [
    h(
      "p",
      { class: "path" },
      h("span", { class: "node here" }, active),
      active.startsWith("@") && h("span", { class: "quiet" }, `(${members.join(", ")})`),
      chain.map((step) => [h("span", { class: "arrow", "aria-label": "then" }, "→"), h("span", { class: "node" }, step)]),
      !chain.length && !active.startsWith("@") && h("span", { class: "quiet" }, "and nobody stands in: ", h("a", { href: "#/chains" }, "write a chain")),
    ),
    busy.length ? h("p", { class: "detour" }, `Detour: ${[...new Set(busy.map((r) => r.account))].join(", ")} serves meanwhile.`) : null,
    all.pins.length ? h("p", { class: "quiet" }, `${all.pins.length} ${all.pins.length === 1 ? "conversation is" : "conversations are"} pinned elsewhere.`) : null,
  ];
}

function card(account) {
  return h(
    "article",
    { class: `card ${account.state}${account.active ? " active" : ""}`, "data-key": account.id },
    h("h3", null, account.label, " ", state(account), account.active && h("span", { class: "pill here" }, "active")),
    h("p", { class: "quiet" }, [words.VENDORS[account.vendor], account.who.plan, words.COSTS[account.cost]].filter(Boolean).join(" · ")),
    rest(account),
    windows(account),
    account.spend && h("p", null, `${words.usd(account.spend.spent_today_usd)} of ${words.usd(account.spend.daily_limit_usd)} spent today`),
    h(
      "p",
      { class: "row" },
      account.state === "needs_login" && h("button", { class: "main", "data-act": "login", "data-account": account.label }, "Log in again"),
      !account.active && account.state !== "needs_login" && h("button", { "data-act": "use", "data-target": account.label }, "Use"),
      account.resting && h("button", { "data-act": "wake" }, "Ask again now"),
    ),
  );
}

function day(sum) {
  const prompt = sum.input + sum.cache_read + sum.cache_write_5m + sum.cache_write_1h;
  return h(
    "div",
    { class: "figures" },
    figure(words.count(sum.requests), "requests", sum.failed ? `${words.count(sum.failed)} failed` : "none failed"),
    figure(words.count(sum.moved), "moved to another account"),
    figure(`${words.count(prompt)} → ${words.count(sum.output)}`, "tokens in → out"),
    figure(prompt ? words.percent((100 * sum.cache_read) / prompt) : "–", "read from the prompt cache"),
    figure(words.usd(sum.cost_usd), "at list price", `${words.usd(sum.metered_usd)} of it paid by use${sum.unpriced ? `; ${sum.unpriced} requests of unknown price` : ""}`),
  );
}

act("use", async ({ dataset }) => {
  const done = await call("PUT", "active", { target: dataset.target });
  say([`Requests go to ${done.target} now.`, ...done.notes].join(" "), done.notes.length ? "mind" : "good");
});
act("wake", async () => {
  const done = await call("POST", "reset", { what: "cooldowns" });
  say(done.accounts.length ? `${done.accounts.join(", ")} may be asked again.` : "Nobody rests.");
});
act("stop-live", async ({ dataset }) => {
  await call("DELETE", `live/${name(dataset.request)}`);
  say("The request was stopped.");
});

/** Countdowns go on by themselves. */
export const ticks = () => herd.overview?.accounts.some((a) => a.resting || a.windows.length) || herd.overview?.live.length > 0 || now() === 0;
