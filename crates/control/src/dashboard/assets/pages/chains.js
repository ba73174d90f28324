// Chains as a picture: each account with those who stand in for it, in order. Edited by dragging or by keyboard.

import { act, say } from "../act.js";
import { call, name } from "../api.js";
import { h } from "../dom.js";
import { herd } from "../herd.js";
import { state, targets } from "../parts.js";
import * as words from "../words.js";

export const title = "Chains";

/** What is being dragged: a name, and the chain that it comes from. */
let dragged = null;

export function draw() {
  const all = herd.overview;
  if (!all.accounts.length) return [h("h1", null, "Chains"), h("p", { class: "quiet" }, "There are no accounts yet.")];
  return [
    h("h1", null, "Chains"),
    h("p", { class: "quiet" }, "When an account cannot serve, those on its own chain are asked, in order. A chain leads one way: work → personal never means personal → work. Drag a name into a chain or along it; or focus one and use the arrow keys, Delete takes it out."),
    h("ul", { class: "palette", "aria-label": "Names to drag" }, targets().map((target) => h("li", { class: "node", draggable: "true", "data-drag": target }, target))),
    h("ul", { class: "lanes" }, all.accounts.map(lane)),
    all.pools.length ? [h("h2", null, "Pools"), h("ul", { class: "lanes" }, all.pools.map(pool))] : null,
  ];
}

const chainOf = (label) => herd.overview.chains.find((c) => c.source === label)?.targets ?? [];

function lane(account) {
  const chain = chainOf(account.label);
  const left = targets().filter((target) => target !== account.label && !chain.includes(target));
  return h(
    "li",
    { class: "lane", "data-key": account.id, "data-lane": account.label },
    h("span", { class: `node${account.active ? " here" : ""}` }, account.label, " ", state(account)),
    h(
      "ol",
      { "aria-label": `Stand in for ${account.label}` },
      chain.map((target, at) =>
        h(
          "li",
          { "data-key": target },
          h("span", { class: "arrow", "aria-hidden": "true" }, "→"),
          h(
            "button",
            { class: "node step", draggable: "true", "data-drag": target, "data-from": account.label, "data-at": at, "data-keydown": "chain-key", "aria-label": `${target}, number ${at + 1} of ${chain.length} for ${account.label}. Arrow keys move it, Delete takes it out.` },
            target,
          ),
        ),
      ),
    ),
    left.length
      ? h(
          "label",
          { class: "add" },
          h("span", { class: "hidden" }, `Add a stand-in for ${account.label}`),
          h("select", { "data-change": "chain-add", "data-source": account.label }, h("option", { value: "" }, "+ add"), left.map((target) => h("option", { value: target }, target))),
        )
      : null,
  );
}

function pool(one) {
  return h(
    "li",
    { class: "lane", "data-key": `@${one.name}` },
    h("span", { class: `node${one.active ? " here" : ""}` }, `@${one.name}`),
    h("span", null, one.members.join(" · ")),
    h("label", { class: "add" }, h("span", { class: "hidden" }, `Strategy of @${one.name}`), h("select", { "data-change": "pool-strategy", "data-pool": one.name }, Object.entries(words.STRATEGIES).map(([value, text]) => h("option", { value, selected: value === one.strategy }, text)))),
    !one.active && h("button", { class: "small", "data-act": "use", "data-target": `@${one.name}` }, "Use"),
  );
}

async function write(source, chain) {
  const done = await call("PUT", `chains/${name(source)}`, { source, targets: chain });
  say([done.targets.length ? `${source} → ${done.targets.join(" → ")}` : `Nobody stands in for ${source} now.`, ...done.notes].join(" · "), done.notes.length ? "mind" : "good");
}

/** The chain with `target` at a place, taken out of where it was. */
function placed(chain, target, at) {
  const rest = chain.filter((step) => step !== target);
  const before = chain.indexOf(target);
  const place = before >= 0 && before < at ? at - 1 : at;
  return [...rest.slice(0, place), target, ...rest.slice(place)];
}

act("chain-add", async (select) => {
  if (!select.value) return;
  const { source } = select.dataset;
  const target = select.value;
  select.value = "";
  await write(source, [...chainOf(source), target]);
});

act("chain-key", async (element, _fields, event) => {
  const { from, drag } = element.dataset;
  const at = Number(element.dataset.at);
  const chain = chainOf(from);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1 }[event.key];
  if (event.key === "Delete" || event.key === "Backspace") {
    event.preventDefault();
    await write(from, chain.filter((step) => step !== drag));
  } else if (to !== undefined && to >= 0 && to < chain.length) {
    event.preventDefault();
    const moved = chain.filter((step) => step !== drag);
    moved.splice(to, 0, drag);
    await write(from, moved);
    // The list is made anew by the event; the same step keeps the focus.
    requestAnimationFrame(() => document.querySelector(`[data-from="${CSS.escape(from)}"][data-drag="${CSS.escape(drag)}"]`)?.focus());
  }
});

act("pool-strategy", async (select) => {
  await call("PATCH", `pools/${name(select.dataset.pool)}`, { strategy: select.value });
  say(`@${select.dataset.pool}: ${words.STRATEGIES[select.value]}.`);
});

// --- dragging --------------------------------------------------------------------------------------------------------

document.addEventListener("dragstart", (event) => {
  const { drag, from } = event.target.dataset ?? {};
  if (!drag) return;
  dragged = { target: drag, from };
  event.dataTransfer.setData("text/plain", drag);
  event.dataTransfer.effectAllowed = "copyMove";
});
document.addEventListener("dragend", () => {
  dragged = null;
  mark(null);
});
document.addEventListener("dragover", (event) => {
  const over = event.target.closest?.("[data-lane]");
  if (!dragged || !over || over.dataset.lane === dragged.target) return mark(null);
  event.preventDefault();
  mark(over);
});
document.addEventListener("drop", async (event) => {
  const over = event.target.closest?.("[data-lane]");
  if (!dragged || !over || over.dataset.lane === dragged.target) return;
  event.preventDefault();
  const { target } = dragged;
  const chain = chainOf(over.dataset.lane);
  // Before the first step whose middle lies right of the pointer.
  const steps = [...over.querySelectorAll(".step")];
  const behind = steps.findIndex((step) => event.clientX < step.getBoundingClientRect().x + step.offsetWidth / 2);
  try {
    await write(over.dataset.lane, placed(chain, target, behind < 0 ? chain.length : behind));
  } catch (failure) {
    say([failure.message, failure.remedy].filter(Boolean).join(": "), "bad");
  }
});

function mark(lane) {
  for (const old of document.querySelectorAll(".lane.over")) if (old !== lane) old.classList.remove("over");
  lane?.classList.add("over");
}
