// What happened to requests, and why: a list that can be searched, and the decision of each.

import { act, choice, field } from "../act.js";
import { call, name } from "../api.js";
import { h } from "../dom.js";
import { herd } from "../herd.js";
import { live } from "../parts.js";
import * as words from "../words.js";

export const title = "Requests";

const PAGE = 50;
const asked = { search: "", account: "", agent: "", failed: "" };
let list = { records: [], next: null, loading: true };
let opened = null;
let redraw = () => {};

/** `#/requests` lists, `#/requests/ID` opens one. */
export async function entered([id], draw) {
  redraw = draw;
  opened = id ? { id, loading: true } : null;
  redraw();
  if (id) {
    opened = await call("GET", `requests/${name(id)}`).then((one) => one, (failure) => ({ failure }));
    redraw();
  } else {
    await read();
  }
}

/** A request has ended: the list begins with it. */
export function happened(event) {
  if (event?.kind === "decisions" && event.what === "finished" && !opened && list.records.length <= PAGE) void read();
}

async function read(before) {
  const answer = await call("GET", "requests", { limit: PAGE, before, search: asked.search, account: asked.account, agent: asked.agent, failed: asked.failed && "true" });
  list = { records: before ? [...list.records, ...answer.requests] : answer.requests, next: answer.next, loading: false };
  redraw();
}

export function draw() {
  if (opened) return decision(opened);
  const accounts = Object.fromEntries([["", "any account"], ...herd.overview.accounts.map((a) => [a.label, a.label])]);
  return [
    h("h1", null, "Requests"),
    h(
      "form",
      { class: "row filters", "data-submit": "requests-find", "data-change": "requests-find", role: "search" },
      field("Search", h("input", { type: "search", name: "search", value: asked.search, placeholder: "id, model, session, project", "data-own": true })),
      field("Account", choice({ name: "account" }, accounts, asked.account)),
      field("Agent", choice({ name: "agent" }, { "": "any agent", ...words.HOSTS }, asked.agent)),
      h("label", { class: "check" }, h("input", { type: "checkbox", name: "failed", checked: Boolean(asked.failed), "data-own": true }), " only failed"),
      h("button", null, "Find"),
    ),
    herd.overview.live.length ? h("section", { "aria-label": "Under way" }, live(herd.overview.live)) : null,
    list.loading ? h("p", { class: "quiet" }, "Loading …") : table(list.records),
    list.next ? h("p", null, h("button", { "data-act": "requests-older" }, "Older")) : null,
  ];
}

function table(records) {
  if (!records.length) return h("p", { class: "quiet" }, asked.search || asked.account || asked.agent || asked.failed ? "No request is like that." : "No requests yet.");
  return h(
    "table",
    { class: "requests" },
    h("thead", null, h("tr", null, ["When", "Agent", "Model", "Way", "First word", "Cost", "Status"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", null, records.map(row)),
  );
}

function row(r) {
  const failed = r.outcome.result !== "served";
  return h(
    "tr",
    { "data-key": r.id, class: failed ? "failed" : null },
    h("td", null, h("a", { href: `#/requests/${r.id}` }, words.moment(r.at))),
    h("td", { "data-th": "Agent" }, words.HOSTS[r.host] ?? r.host, h("small", null, ` ${words.projectName(r.project)}`)),
    h("td", { "data-th": "Model" }, h("code", null, r.model || "–")),
    h("td", { "data-th": "Way" }, way(r)),
    h("td", { "data-th": "First word", class: "number" }, words.ms(r.first_byte_ms)),
    h("td", { "data-th": "Cost", class: "number" }, words.usd(r.cost_usd)),
    h("td", { "data-th": "Status" }, h("span", { class: `pill ${r.client_status < 400 && r.client_status > 0 ? "good" : "bad"}` }, r.client_status || "none")),
  );
}

function way(r) {
  if (!r.attempts.length) return h("span", { class: "quiet" }, "nobody was asked");
  return r.attempts.map((attempt, at) => [at ? " → " : "", attempt.ended.end === "served" ? h("b", null, attempt.label) : attempt.label]);
}

function decision(one) {
  const back = h("p", null, h("a", { href: "#/requests" }, "← All requests"));
  if (one.loading) return [back, h("p", { class: "quiet" }, "Loading …")];
  if (one.failure) return [back, h("h1", null, one.failure.message), one.failure.remedy && h("p", null, one.failure.remedy)];
  const r = one.request;
  return [
    back,
    h("h1", null, `Why it went where it went`),
    h("p", { class: "quiet" }, h("code", null, r.id), ` · ${words.moment(r.at)} · ${words.HOSTS[r.host] ?? r.host} · `, h("code", null, r.model), r.session && ` · conversation ${words.sessionName(r.session)}`, r.project && ` · ${r.project}`),
    steps(r),
    h("pre", { class: "explained", tabindex: "0" }, one.text),
    h("details", null, h("summary", null, "The record as JSON"), h("pre", { tabindex: "0" }, JSON.stringify(r, null, 2))),
  ];
}

function steps(r) {
  const skipped = r.skipped.map((s) => h("li", { class: "skipped" }, h("b", null, s.label), ` passed over: ${s.reason.replaceAll("_", " ")}`, s.until && h("small", null, ` until ${words.moment(s.until)}`)));
  const tried = r.attempts.map((a) => {
    const verdict = a.ended.verdict;
    const tone = a.ended.end === "served" ? "good" : a.ended.end === "abandoned" ? "quiet" : "bad";
    const text = { served: "served", abandoned: "the client left", broke_off: "broke off after content", refused: "refused", unreachable: "could not be reached" }[a.ended.end] ?? a.ended.end;
    return h("li", { class: tone }, h("b", null, a.label), ` ${text}`, verdict && `: ${words.why(verdict.class)}`, verdict?.evidence && h("q", null, verdict.evidence), a.ended.why && h("q", null, a.ended.why), h("small", null, ` ${a.status ? `HTTP ${a.status} · ` : ""}${words.ms(a.head_ms)}`), a.changes?.length ? h("ul", { class: "changes" }, a.changes.map((change) => h("li", null, change))) : null);
  });
  return h("ol", { class: "steps", "aria-label": "The way of the request" }, skipped, tried);
}

act("requests-find", async (element) => {
  const form = element.closest("form");
  const fields = Object.fromEntries(new FormData(form));
  Object.assign(asked, { failed: "" }, fields);
  await read();
});
act("requests-older", () => read(list.next));
