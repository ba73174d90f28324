// Elements from calls, and a page that is changed in place: what a person has focused, opened or typed stays.

/** An element. Properties: `class`, `on…` never (see act.js), `data-…`, attributes; null and false leave it out. */
export function h(tag, properties, ...children) {
  return build(document.createElement(tag), properties, children);
}

/** An element of a drawing. */
export function s(tag, properties, ...children) {
  return build(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function build(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** Makes what stands in `place` equal to `wanted`, touching only what differs. */
export function show(place, ...wanted) {
  const next = place.cloneNode(false);
  next.append(...wanted.flat(Infinity).filter((node) => node !== null && node !== undefined && node !== false));
  children(place, next);
}

function children(old, next) {
  const keyed = new Map();
  for (const child of old.children) {
    if (child.dataset.key) keyed.set(child.dataset.key, child);
  }
  let at = old.firstChild;
  for (const wanted of [...next.childNodes]) {
    const key = wanted.dataset?.key;
    let there = key ? keyed.get(key) : at;
    if (key && there && there !== at) old.insertBefore(there, at);
    if (there && !key && there.dataset?.key) there = undefined;
    if (there && same(there, wanted)) {
      if (there === at) at = at.nextSibling;
      change(there, wanted);
    } else {
      old.insertBefore(wanted, at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function same(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && a.dataset?.key === b.dataset?.key;
}

function change(old, next) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // Whether a person has opened something is theirs.
    if (!next.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  if (old instanceof HTMLInputElement || old instanceof HTMLSelectElement || old instanceof HTMLTextAreaElement) {
    if (old instanceof HTMLSelectElement) children(old, next);
    if (document.activeElement !== old && !old.dataset.own) {
      if (old.type === "checkbox" || old.type === "radio") old.checked = next.hasAttribute("checked");
      else if (old instanceof HTMLInputElement) old.value = next.getAttribute("value") ?? "";
    }
    return;
  }
  children(old, next);
}
