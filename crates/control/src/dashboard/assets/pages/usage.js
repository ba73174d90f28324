// What was used and what it cost, over time and by whom; and what the prompt cache made of it.

import { act, choice, field } from "../act.js";
import { call } from "../api.js";
import { bars } from "../chart.js";
import { h } from "../dom.js";
import { herd } from "../herd.js";
import { figure } from "../parts.js";
import * as words from "../words.js";

export const title = "Usage";

const DAY = 86_400;
const RANGES = { 1: "24 hours", 7: "7 days", 30: "30 days", 90: "90 days" };
const BY = { account: "account", project: "project", model: "model", agent: "agent" };
const SHOW = { cost: "list price", tokens: "tokens", requests: "requests" };
const asked = { days: "7", by: "account", show: "cost" };
let usage = null;
let redraw = () => {};

export async function entered(_path, draw) {
  redraw = draw;
  redraw();
  await read();
}

async function read() {
  const until = Math.ceil(herd.overview.now);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  usage = await call("GET", "usage", { since: until - Number(asked.days) * DAY, bucket: asked.days === "1" ? "hour" : "day", by: asked.by, zone });
  redraw();
}

const prompt = (sum) => sum.input + sum.cache_read + sum.cache_write_5m + sum.cache_write_1h;
const measure = { cost: (sum) => sum.cost_usd, tokens: (sum) => prompt(sum) + sum.output, requests: (sum) => sum.requests };
const reads = { cost: words.usd, tokens: words.count, requests: words.count };

export function draw() {
  const form = h(
    "form",
    { class: "row filters", "data-submit": "usage-ask", "data-change": "usage-ask" },
    field("Time", choice({ name: "days" }, RANGES, asked.days)),
    field("By", choice({ name: "by" }, BY, asked.by)),
    field("Show", choice({ name: "show" }, SHOW, asked.show)),
  );
  if (!usage) return [h("h1", null, "Usage"), form, h("p", { class: "quiet" }, "Loading …")];
  const of = measure[asked.show];
  const sorted = [...usage.rows].sort((a, b) => of(b) - of(a));
  const keys = sorted.slice(0, 5).map((row) => row.key);
  const more = sorted.length > 5;
  const times = usage.times.map((time) => {
    const known = keys.map((key) => [key, of((time.rows ?? []).find((row) => row.key === key) ?? { cost_usd: 0, input: 0, output: 0, cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, requests: 0 })]);
    const rest = of(time) - known.reduce((sum, [, value]) => sum + value, 0);
    return { name: time.name, parts: more ? [...known, ["others", Math.max(0, rest)]] : known };
  });
  const cache = usage.times.map((time) => ({ name: time.name, parts: [["read from the cache", time.cache_read], ["written to it", time.cache_write_5m + time.cache_write_1h], ["neither", time.input]] }));
  const total = usage.total;
  return [
    h("h1", null, "Usage"),
    form,
    h(
      "div",
      { class: "figures" },
      figure(words.usd(total.cost_usd), "at list price", total.unpriced ? `${total.unpriced} requests of unknown price are not in it` : `prices of ${usage.prices}`),
      figure(words.usd(total.metered_usd), "of it paid by use"),
      figure(`${words.count(prompt(total))} → ${words.count(total.output)}`, "tokens in → out", total.reasoning ? `${words.count(total.reasoning)} of it reasoning` : null),
      figure(words.count(total.requests), "requests", `${words.count(total.moved)} moved · ${words.count(total.failed)} failed`),
    ),
    bars(`${SHOW[asked.show][0].toUpperCase()}${SHOW[asked.show].slice(1)} by ${BY[asked.by]}`, times, more ? [...keys, "others"] : keys, reads[asked.show]),
    table(sorted),
    h("h2", null, "Prompt cache"),
    h("div", { class: "figures" }, figure(usage.total.cache_hit_percent === null || usage.total.cache_hit_percent === undefined ? "–" : words.percent(usage.total.cache_hit_percent), "of all input was read from it"), figure(words.usd(total.cache_saved_usd), "saved at list price", total.cache_saved_usd < 0 ? "writes have not paid off yet" : null)),
    bars("Input tokens", cache, ["read from the cache", "written to it", "neither"], words.count),
  ];
}

function table(rows) {
  if (!rows.length) return null;
  return h(
    "table",
    null,
    h("thead", null, h("tr", null, [BY[asked.by], "requests", "in", "out", "cache", "list price"].map((t, at) => h("th", { scope: "col", class: at ? "number" : null }, t)))),
    h("tbody", null, rows.map(({ key, cache_hit_percent, ...sum }) => h("tr", { "data-key": key || "–" }, h("th", { scope: "row" }, key || "–"), [words.count(sum.requests), words.count(prompt(sum)), words.count(sum.output), cache_hit_percent === null || cache_hit_percent === undefined ? "–" : words.percent(cache_hit_percent), sum.unpriced && !sum.cost_usd ? "unknown" : words.usd(sum.cost_usd)].map((text) => h("td", { class: "number" }, text))))),
  );
}

act("usage-ask", async (element) => {
  Object.assign(asked, Object.fromEntries(new FormData(element.closest("form"))));
  await read();
});
