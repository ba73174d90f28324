// Conversations and alerts: what runs where, what wants attention, and the stop button.

import { act, say } from "../act.js";
import { call, name } from "../api.js";
import { h } from "../dom.js";
import { herd } from "../herd.js";
import { targets } from "../parts.js";
import * as words from "../words.js";
import { alert } from "./overview.js";

export const title = "Conversations";

let sessions = null;
let redraw = () => {};

export async function entered(_path, draw) {
  redraw = draw;
  redraw();
  await read();
}

export function happened(event) {
  if (event?.kind === "herd" || (event?.kind === "decisions" && event.what === "finished")) void read();
}

async function read() {
  sessions = (await call("GET", "sessions")).sessions;
  redraw();
}

export function draw() {
  return [
    h("h1", null, "Conversations"),
    h("h2", null, "Alerts"),
    herd.overview.alerts.length ? h("ul", { class: "alerts" }, herd.overview.alerts.map(alert)) : h("p", { class: "quiet" }, "Nothing wants attention."),
    h("h2", null, "Conversations"),
    sessions === null ? h("p", { class: "quiet" }, "Loading …") : sessions.length ? table() : h("p", { class: "quiet" }, "None yet."),
  ];
}

function table() {
  return h(
    "table",
    { class: "requests" },
    h("thead", null, h("tr", null, ["Conversation", "Lives on", "Pinned to", "Last seen", ""].map((t) => h("th", { scope: "col" }, t || h("span", { class: "hidden" }, "What to do"))))),
    h("tbody", null, sessions.map((one) => {
      const id = words.sessionName(one.session);
      return h(
        "tr",
        { "data-key": one.session },
        h("th", { scope: "row" }, words.HOSTS[one.session.split(":")[0]] ?? "", " ", h("code", { title: one.session }, id), one.live ? h("span", { class: "pill good" }, `${one.live} under way`) : null),
        h("td", { "data-th": "Lives on" }, one.account ?? "–", one.pool && h("small", null, ` by ${one.pool}`)),
        h("td", { "data-th": "Pinned to" }, h("select", { "data-change": "session-use", "data-session": one.session, "aria-label": `Pin ${id} to` }, h("option", { value: "", selected: !one.pin }, "–"), targets().map((target) => h("option", { value: target, selected: target === one.pin }, target)))),
        h("td", { "data-th": "Last seen" }, words.moment(one.seen_at)),
        h("td", null, one.stopped ? [h("span", { class: "pill bad", title: one.stopped.why }, "stopped"), h("button", { class: "small", "data-act": "session-resume", "data-session": one.session }, "Let go on")] : h("button", { class: "small danger", "data-act": "session-stop", "data-session": one.session, "aria-label": `Stop ${id}` }, "Stop")),
      );
    })),
  );
}

act("session-use", async (select) => {
  if (!select.value) return read();
  const done = await call("PUT", "active", { target: select.value, session: select.dataset.session });
  say([`This conversation goes to ${done.target} now.`, ...done.notes].join(" "), done.notes.length ? "mind" : "good");
  await read();
});
act("session-stop", async ({ dataset }) => {
  const done = await call("POST", `sessions/${name(dataset.session)}/stop`, { why: "stopped in the dashboard" });
  say(`Stopped${done.cut ? `; ${done.cut} requests were cut` : ""}. Nothing of it is served until you let it go on.`, "mind");
  await read();
});
act("session-resume", async ({ dataset }) => {
  await call("POST", `sessions/${name(dataset.session)}/resume`, {});
  say("It may go on.");
  await read();
});
