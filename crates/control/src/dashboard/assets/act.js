// What a person does: one listener for all pages, dialogs, and what is said about it.

import { Failure } from "./api.js";
import { h, show } from "./dom.js";

const acts = new Map();

/** `data-act="name"` on a button, form or field calls this with the element and the form's fields. */
export function act(name, does) {
  acts.set(name, does);
}

for (const kind of ["click", "submit", "change", "keydown"]) document.addEventListener(kind, heard);

async function heard(event) {
  const attribute = event.type === "click" ? "act" : event.type;
  const element = event.target.closest?.(`[data-${attribute}]`);
  if (!element || (event.type === "click" && element.matches("form"))) return;
  const does = acts.get(element.dataset[attribute]);
  if (!does) return;
  if (event.type === "submit") event.preventDefault();
  const fields = event.type === "submit" ? Object.fromEntries(new FormData(element)) : {};
  const button = event.type === "submit" ? event.submitter : event.type === "click" ? element : null;
  if (button?.getAttribute("aria-busy") === "true") return;
  button?.setAttribute("aria-busy", "true");
  try {
    await does(element, fields, event);
  } catch (failure) {
    tell(failure, element.closest("dialog"));
  } finally {
    button?.removeAttribute("aria-busy");
  }
}

/** Says something in passing. */
export function say(text, tone = "good") {
  const note = h("p", { class: `note ${tone}` }, text);
  document.getElementById("said").append(note);
  setTimeout(() => note.remove(), 6_000);
}

/** Says what went wrong, in the dialog where it happened or in passing. */
function tell(failure, dialog) {
  if (!(failure instanceof Failure)) console.error(failure);
  const lines = [h("strong", null, failure.message), failure.why && h("p", null, failure.why), failure.remedy && h("p", null, failure.remedy)];
  const place = dialog?.querySelector(".trouble");
  if (place) return show(place, ...lines);
  const note = h("div", { class: "note bad", role: "alert" }, ...lines);
  document.getElementById("said").append(note);
  setTimeout(() => note.remove(), 15_000);
}

/** Notes that an answer has for a careful owner. */
export function sayNotes(done, notes) {
  say([done, ...(notes ?? [])].join(" · "), notes?.length ? "mind" : "good");
}

/** Opens a dialog: a form with a title, its parts and its buttons. Resolves when it closes. */
export function ask(title, { submit, name, danger = false, close = "Cancel" }, ...parts) {
  const dialog = h(
    "dialog",
    { "aria-labelledby": "asked" },
    h(
      "form",
      { "data-submit": submit, "data-name": name },
      h("h2", { id: "asked" }, title),
      ...parts,
      h("div", { class: "trouble", role: "alert" }),
      h(
        "p",
        { class: "row end" },
        h("button", { type: "button", "data-act": "close" }, close),
        submit && h("button", { class: danger ? "danger" : "main" }, danger ? "Yes" : "OK"),
      ),
    ),
  );
  document.getElementById("dialogs").replaceChildren(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  return dialog;
}

/** A field with its name. */
export function field(text, control, hint) {
  return h("label", { class: "field" }, h("span", null, text), control, hint && h("small", null, hint));
}

/** A choice of names. */
export function choice(properties, options, chosen) {
  return h("select", properties, Object.entries(options).map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}

act("close", (element) => element.closest("dialog")?.close());
