// Accounts: what each is, logging in, switching on and off.

import { act, ask, choice, field, say, sayNotes } from "../act.js";
import { call, name } from "../api.js";
import { h, show } from "../dom.js";
import { herd, now } from "../herd.js";
import { rest, state, windows } from "../parts.js";
import * as words from "../words.js";

export const title = "Accounts";

export function draw() {
  const all = herd.overview;
  return [
    h("div", { class: "row spread" }, h("h1", null, "Accounts"), h("button", { class: "main", "data-act": "login" }, "Add an account")),
    all.accounts.length ? null : h("p", { class: "quiet" }, "None yet. Logins that are already on this machine are found by ", h("code", null, "remuda import"), "."),
    h("div", { class: "cards wide" }, all.accounts.map(card)),
  ];
}

/** `#/accounts/add` opens the login at once. */
export function entered([what]) {
  if (what === "add" && !document.querySelector("dialog")) login();
}

function card(account) {
  const facts = [
    ["Vendor", [words.VENDORS[account.vendor], account.who.plan].filter(Boolean).join(" · ")],
    ["Person", [account.who.email, account.who.organization].filter(Boolean).join(" · ")],
    ["Credential", `${account.kind.replaceAll("_", " ")} · ${words.COSTS[account.cost]}`],
    ["Endpoint", account.base_url],
    ["Speaks", (account.speaks ?? []).join(", ")],
    ["Stood in for by", account.chain.join(" → ")],
    ["Stands in for", account.stands_in_for.join(", ")],
    ["Pools", account.pools.map((p) => `@${p}`).join(", ")],
    ["Also for", account.allowed_hosts.map((host) => words.HOSTS[host] ?? host).join(", ")],
    ["Borrowed from", account.borrowed && `${account.borrowed.program} (${account.borrowed.file})`],
    ["Refreshing", account.trouble?.why],
    ["Asking the vendor", account.quota?.usage?.trouble],
  ].filter(([, value]) => value);
  return h(
    "article",
    { class: `card ${account.state}${account.active ? " active" : ""}`, "data-key": account.id },
    h("h2", null, account.label, " ", state(account), account.active && h("span", { class: "pill here" }, "active")),
    h("dl", null, facts.map(([term, value]) => [h("dt", null, term), h("dd", null, value)])),
    rest(account),
    windows(account),
    h(
      "p",
      { class: "row" },
      !account.active && h("button", { "data-act": "use", "data-target": account.label }, "Use"),
      h("button", { "data-act": "quota", "data-account": account.label, "aria-label": `Ask the vendor what is left of ${account.label}` }, "What is left?"),
      !account.borrowed && h("button", { class: account.state === "needs_login" ? "main" : null, "data-act": "login", "data-account": account.label }, "Log in again"),
      h("button", { "data-act": "switch", "data-account": account.label, "data-on": account.state === "paused" }, account.state === "paused" ? "Switch on" : "Switch off"),
      h("button", { "data-act": "rename", "data-account": account.label }, "Rename"),
      h("button", { class: "danger", "data-act": "remove", "data-account": account.label }, "Remove"),
    ),
  );
}

act("quota", async ({ dataset }) => {
  const done = await call("POST", "quota/refresh", { account: dataset.account });
  const one = done.polled[0];
  say(one?.how === "answered" ? `${one.account}: ${one.windows} windows read.` : `${dataset.account}: ${one?.why ?? "there is nobody to ask"}`, one?.how === "answered" ? "good" : "mind");
});
act("switch", async ({ dataset }) => {
  const on = dataset.on === "true" || dataset.on === "";
  const done = await call("PATCH", `accounts/${name(dataset.account)}`, { enabled: on });
  sayNotes(`${done.account.label} is switched ${on ? "on" : "off"}.`, done.notes);
});
act("rename", ({ dataset }) => {
  ask(`Rename ${dataset.account}`, { submit: "renamed", name: dataset.account }, field("New label", h("input", { name: "label", value: dataset.account, required: true, "data-own": true })));
});
act("renamed", async (form, { label }) => {
  await call("PATCH", `accounts/${name(form.dataset.name)}`, { label });
  form.closest("dialog").close();
  say(`${form.dataset.name} is called ${label} now.`);
});
act("remove", ({ dataset }) => {
  ask(`Remove ${dataset.account}?`, { submit: "removed", name: dataset.account, danger: true }, h("p", null, "Its credential is deleted here and it leaves all chains and pools. This cannot be undone: you would have to log in again."));
});
act("removed", async (form) => {
  const done = await call("DELETE", `accounts/${name(form.dataset.name)}`);
  form.closest("dialog").close();
  say(`${form.dataset.name} is removed.${done.removed_from_chains.length ? ` It left the chains of ${done.removed_from_chains.join(", ")}.` : ""}`, "mind");
});

// --- logging in ------------------------------------------------------------------------------------------------------

const METHODS = { browser: "Browser on this machine", paste: "Browser anywhere, paste the code", device: "Short code typed at the vendor", key: "API key", token: "Long-lived token" };
const OFFERED = { anthropic: ["browser", "paste", "key", "token"], openai: ["browser", "device", "paste", "key"], qwen: ["key"] };
let waiting = null;

function login(label) {
  const account = herd.overview.accounts.find((a) => a.label === label);
  const vendor = account?.vendor ?? "anthropic";
  const dialog = ask(
    account ? `Log in to ${label} again` : "Add an account",
    { submit: "login-begin", name: label },
    field("Vendor", choice({ name: "vendor", "data-change": "login-vendor", disabled: Boolean(account), "data-own": true }, words.VENDORS, vendor)),
    field("How", choice({ name: "method", "data-change": "login-method", "data-own": true }, {}, null)),
    h("label", { class: "field", hidden: true, id: "secret" }, h("span", null, "Key or token"), h("input", { name: "secret", type: "password", autocomplete: "off", "data-own": true })),
    account ? null : field("Label", h("input", { name: "label", "data-own": true }), "Left empty: named after the address that the vendor reports."),
    h("div", { id: "terms", class: "terms" }),
  );
  dialog.addEventListener("close", () => cancel());
  offer(dialog, vendor, account && (account.kind === "api_key" || account.kind === "plan_key") ? "key" : null);
  void terms(dialog, vendor);
}

function offer(dialog, vendor, wanted) {
  const methods = Object.fromEntries(OFFERED[vendor].map((method) => [method, METHODS[method]]));
  const select = dialog.querySelector("[name=method]");
  select.replaceChildren(...Object.entries(methods).map(([value, text]) => h("option", { value, selected: value === wanted }, text)));
  secret(dialog);
}

function secret(dialog) {
  const needs = ["key", "token"].includes(dialog.querySelector("[name=method]").value);
  dialog.querySelector("#secret").hidden = !needs;
  dialog.querySelector("[name=secret]").required = needs;
}

async function terms(dialog, vendor) {
  const said = await call("GET", `terms/${vendor}`);
  const text = said.before_login;
  show(dialog.querySelector("#terms"), ...(text ? [h("details", { open: !said.accepted_at }, h("summary", null, "What the vendor allows"), h("p", null, text), h("small", null, said.edition)), h("label", { class: "check" }, h("input", { type: "checkbox", name: "accept_terms", checked: Boolean(said.accepted_at), "data-own": true }), " I have read this (needed for subscriptions)")] : []));
}

act("login", ({ dataset }) => login(dataset.account));
act("login-vendor", async (select) => {
  const dialog = select.closest("dialog");
  offer(dialog, select.value);
  await terms(dialog, select.value);
});
act("login-method", (select) => secret(select.closest("dialog")));
act("login-begin", async (form, fields) => {
  const dialog = form.closest("dialog");
  const input = {
    vendor: fields.vendor ?? form.querySelector("[name=vendor]").value,
    method: fields.method,
    label: form.dataset.name || fields.label?.trim() || undefined,
    secret: fields.secret || undefined,
    accept_terms: fields.accept_terms === "on",
  };
  const begun = await call("POST", "logins", input);
  step(dialog, begun, input.method);
});

function step(dialog, view, method) {
  if (view.stage === "done") {
    waiting = null;
    dialog.close();
    return sayNotes(`${view.account.label} is ${view.renewed ? "logged in again" : "added"}.`, view.notes);
  }
  waiting = { login: view.login, abort: new AbortController() };
  show(
    dialog.querySelector("form"),
    h("h2", { id: "asked" }, "Waiting for the vendor's page"),
    h("p", null, h("a", { class: "button main", href: view.url, target: "_blank", rel: "noreferrer noopener" }, "Open the page")),
    view.user_code && h("p", null, "Type there: ", h("b", { class: "code" }, view.user_code)),
    method === "paste" && field("Code or address from the last page", h("input", { name: "code", autocomplete: "off", "data-own": true })),
    h("p", { class: "quiet" }, `Dropped in ${words.span(view.ends_at - now())}.`),
    h("div", { class: "trouble", role: "alert" }),
    h("p", { class: "row end" }, h("button", { type: "button", "data-act": "close" }, "Cancel"), method === "paste" && h("button", { class: "main" }, "Log in")),
  );
  dialog.querySelector("form").dataset.submit = "login-code";
  if (method !== "paste") void wait(dialog, view.login, method);
}

async function wait(dialog, id, method) {
  const { signal } = waiting.abort;
  try {
    while (waiting?.login === id) {
      const view = await call("GET", `logins/${name(id)}`, null, signal);
      if (view.stage === "done") return step(dialog, view, method);
    }
  } catch (failure) {
    if (failure.name === "AbortError") return;
    waiting = null;
    show(dialog.querySelector(".trouble"), h("strong", null, failure.message), failure.remedy && h("p", null, failure.remedy));
  }
}

act("login-code", async (form, { code }) => {
  if (!waiting || !code) return;
  const view = await call("POST", `logins/${name(waiting.login)}/code`, { code });
  step(form.closest("dialog"), view, "paste");
});

function cancel() {
  if (!waiting) return;
  const { login, abort } = waiting;
  waiting = null;
  abort.abort();
  call("DELETE", `logins/${name(login)}`).catch(() => {});
}
