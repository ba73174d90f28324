// The dashboard: one page by its address, drawn from the live state, again when something happens.

import { h, show } from "./dom.js";
import { begin, herd, watch } from "./herd.js";
import { say } from "./act.js";
import * as accounts from "./pages/accounts.js";
import * as chains from "./pages/chains.js";
import * as overview from "./pages/overview.js";
import * as requests from "./pages/requests.js";
import * as sessions from "./pages/sessions.js";
import * as settings from "./pages/settings.js";
import * as usage from "./pages/usage.js";

const PAGES = { "": overview, accounts, chains, requests, usage, conversations: sessions, settings };
const place = document.getElementById("page");
let entered = null;
let pending = false;

const path = () => location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
const page = () => PAGES[path()[0]] ?? overview;

function draw() {
  pending = false;
  const link = document.getElementById("link");
  link.textContent = herd.trouble ? "not connected" : herd.live ? "live" : "connecting …";
  link.className = `link ${herd.trouble ? "bad" : herd.live ? "good" : "mind"}`;
  navigation();
  if (!herd.overview) return show(place, ...(herd.trouble ? trouble(herd.trouble) : [h("p", { class: "quiet" }, "Loading …")]));
  enter();
  show(place, ...page().draw());
}

function soon() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(draw);
}

function enter() {
  const here = location.hash;
  if (entered === here) return;
  entered = here;
  document.title = `${page().title} · Remuda`;
  Promise.resolve(page().entered?.(path().slice(1), soon)).catch((failure) => say([failure.message, failure.remedy].filter(Boolean).join(": "), "bad"));
}

function navigation() {
  const alerts = herd.overview?.alerts.length ?? 0;
  show(
    document.getElementById("nav"),
    h("ul", null, Object.entries(PAGES).map(([name, { title }]) =>
      h("li", null, h("a", { href: `#/${name}`, "aria-current": PAGES[path()[0]] === PAGES[name] ? "page" : null }, title, name === "conversations" && alerts ? h("span", { class: "badge" }, alerts, h("span", { class: "hidden" }, " alerts")) : null)))),
  );
}

function trouble(failure) {
  return [
    h("h1", null, failure.status === 401 ? "This browser is not let in" : "The daemon does not answer"),
    h("p", null, failure.message),
    failure.why && h("p", { class: "quiet" }, failure.why),
    h("p", null, failure.status === 401 ? "Open the dashboard with a fresh link: " : "Start it: ", h("code", null, failure.status === 401 ? "remuda dashboard" : "remuda serve")),
  ];
}

function tell(event) {
  if (event?.kind === "decisions" && event.what === "moved") say(`${event.request.account} stands in now (${event.request.model || event.request.host}).`, "mind");
  if (event?.kind === "alerts" && !event.alert.over_at) say(event.alert.message, "bad");
}

settings.apply();
watch((event) => {
  tell(event);
  page().happened?.(event);
  soon();
});
addEventListener("hashchange", () => {
  soon();
  place.focus({ preventScroll: true });
  scrollTo(0, 0);
});
// Countdowns; not while nobody looks.
setInterval(() => !document.hidden && herd.overview && soon(), 10_000);
document.addEventListener("visibilitychange", () => !document.hidden && soon());
draw();
void begin();
