// What the owner has set: minimums, the kill switch, spend rules, client keys, and how this page looks.

import { act, ask, choice, field, say, sayNotes } from "../act.js";
import { call, name } from "../api.js";
import { h } from "../dom.js";
import { herd } from "../herd.js";
import * as words from "../words.js";

export const title = "Settings";

let set = null;
let redraw = () => {};

export async function entered(_path, draw) {
  redraw = draw;
  redraw();
  await read();
}

async function read() {
  const [minimum, kill, spend, keys] = await Promise.all(["minimum", "killswitch", "spend", "keys"].map((path) => call("GET", path)));
  set = { minimum, kill, spend, keys };
  redraw();
}

export function draw() {
  if (!set) return [h("h1", null, "Settings"), h("p", { class: "quiet" }, "Loading …")];
  const daemon = herd.overview.daemon;
  return [
    h("h1", null, "Settings"),
    h("h2", null, "Minimums"),
    h("p", { class: "quiet" }, `Below its minimum an account stands behind others and serves only when nobody else can. A missing reading means: ${set.minimum.unknown === "open" ? "it may serve" : "it counts as below"}.`),
    floors("minimum", set.minimum),
    h("h2", null, "Kill switch"),
    h("p", { class: "quiet" }, "While it is on, an account below its reserve serves nobody, not even when nobody else can."),
    h("p", null, h("label", { class: "check" }, h("input", { type: "checkbox", "data-change": "kill", checked: set.kill.enabled }), " On")),
    floors("killswitch", set.kill),
    h("h2", null, "Money"),
    h("p", { class: "quiet" }, "A metered account stands in for others only after the reasons named here, up to its daily ceiling."),
    money(),
    h("h2", null, "Client keys"),
    h("p", { class: "quiet" }, "What agents present to the gateway. ", h("code", null, "remuda run"), " makes and revokes its own."),
    keys(),
    h("h2", null, "This page"),
    h("form", { "data-change": "theme" }, field("Colours", choice({ name: "theme" }, { auto: "as the system", light: "light", dark: "dark" }, localStorage.getItem("theme") ?? "auto"))),
    daemon && h("p", { class: "quiet" }, `remuda ${daemon.version} · ${daemon.url} · process ${daemon.pid} · since ${words.moment(daemon.started_at)}`),
  ];
}

const short = { "5h": "five_hour", "7d": "seven_day" };

function floors(what, all) {
  const row = (label, known, key) =>
    h(
      "tr",
      { "data-key": key },
      h("th", { scope: "row" }, label),
      ["five_hour", "seven_day"].map((window) =>
        h("td", null, h("input", { type: "number", min: 0, max: 100, step: 1, class: "short", "data-change": "floor", "data-what": what, "data-account": key, "data-window": window, "aria-label": `${label}, ${words.windowName(window)}: percent that must remain`, value: known[window] ?? "", placeholder: "–" }), " %"),
      ),
    );
  const everyone = all.everyone ?? {};
  const own = (account) => Object.fromEntries(account.floors.map((floor) => [floor.window, floor.percent]));
  return h(
    "table",
    { class: "narrow" },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, "Must remain"), Object.keys(short).map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", null, row("Everyone", everyone, ""), all.accounts.map((account) => row(account.account, own(account), account.account))),
  );
}

function money() {
  const rules = set.spend.rules;
  return [
    rules.length ? h("ul", null, rules.map((rule) => h("li", { "data-key": rule.account }, h("b", null, rule.account), ` up to ${words.usd(rule.daily_limit_usd)} a day (${words.usd(rule.spent_today_usd)} today) after: ${rule.after.map(words.why).join(", ")} `, h("button", { class: "small danger", "data-act": "spend-clear", "data-account": rule.account }, "Delete")))) : h("p", null, "No rule."),
    set.spend.without_rule.length ? h("p", { class: "quiet" }, `Metered, without a rule: ${set.spend.without_rule.join(", ")}. `, h("code", null, "remuda spend LABEL --after window_exhausted --daily 5")) : null,
  ];
}

function keys() {
  const list = set.keys.keys;
  return list.length
    ? h("ul", null, list.map((key) => h("li", { "data-key": key.id }, h("code", null, `${key.begins_with}…`), ` ${key.name} · ${words.HOSTS[key.host] ?? key.host}${key.scope === "admin" ? " · administers" : ""}${key.last_used_at ? ` · used ${words.moment(key.last_used_at)}` : " · never used"} `, h("button", { class: "small danger", "data-act": "key-revoke", "data-key-id": key.id, "data-key-name": key.name }, "Revoke"))))
    : h("p", null, "None.");
}

act("floor", async ({ dataset, value }) => {
  const input = { set: { [dataset.window]: value === "" ? null : Number(value) } };
  if (dataset.account) input.account = dataset.account;
  const done = await call("PUT", dataset.what, input);
  sayNotes("Set.", done.notes);
  await read();
});
act("kill", async ({ checked }) => {
  const done = await call("PUT", "killswitch", { enabled: checked });
  sayNotes(`The kill switch is ${done.enabled ? "on" : "off"}.`, done.notes);
  await read();
});
act("spend-clear", async ({ dataset }) => {
  await call("DELETE", `spend/${name(dataset.account)}`);
  say(`${dataset.account} stands in for nobody any more.`);
  await read();
});
act("key-revoke", ({ dataset }) => {
  ask(`Revoke ${dataset.keyName}?`, { submit: "key-revoked", name: dataset.keyId, danger: true }, h("p", null, "Whoever presents it is refused from now on."));
});
act("key-revoked", async (form) => {
  await call("DELETE", `keys/${name(form.dataset.name)}`);
  form.closest("dialog").close();
  say("The key opens nothing any more.");
  await read();
});
act("theme", (element) => {
  const theme = new FormData(element.closest("form")).get("theme");
  if (theme === "auto") localStorage.removeItem("theme");
  else localStorage.setItem("theme", theme);
  apply();
});

/** Puts on the colours that the person chose. */
export function apply() {
  document.documentElement.dataset.theme = localStorage.getItem("theme") ?? "auto";
}
