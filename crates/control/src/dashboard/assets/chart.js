// Bars over time, stacked by who: drawn as SVG, readable as a table for those who do not see them.

import { h, s } from "./dom.js";

const HEIGHT = 180;
const TONES = 6;

/** `times`: [{name, parts: [[key, value]]}] in order; `text`: how a value reads. */
export function bars(caption, times, keys, text) {
  const sums = times.map((time) => time.parts.reduce((sum, [, value]) => sum + value, 0));
  const top = nice(Math.max(...sums, 0));
  if (!top) return h("p", { class: "quiet" }, "Nothing was used in this time.");
  const wide = 100 / times.length;
  const drawn = times.map((time, at) => {
    let y = HEIGHT;
    return s(
      "g",
      null,
      s("title", null, `${time.name}: ${text(sums[at])}`),
      s("rect", { class: "hit", x: at * wide, y: 0, width: wide, height: HEIGHT }),
      time.parts.filter(([, value]) => value > 0).map(([key, value]) => {
        const tall = (value / top) * HEIGHT;
        y -= tall;
        return s("rect", { class: `tone${keys.indexOf(key) % TONES}`, x: at * wide + wide * 0.12, y, width: wide * 0.76, height: tall });
      }),
    );
  });
  const every = Math.ceil(times.length / 8);
  return h(
    "figure",
    { class: "chart" },
    h("figcaption", null, caption),
    h("p", { class: "scale", "aria-hidden": "true" }, h("span", null, text(top)), h("span", null, text(top / 2)), h("span", null, text(0))),
    s("svg", { viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": `${caption}: ${times.map((t, at) => `${t.name} ${text(sums[at])}`).join(", ")}` },
      [0, 0.5].map((part) => s("line", { x1: 0, x2: 100, y1: part * HEIGHT, y2: part * HEIGHT, class: "grid" })), drawn),
    h("p", { class: "dates", "aria-hidden": "true" }, times.filter((_, at) => at % every === 0).map((time) => h("span", null, time.name))),
    h("ul", { class: "legend" }, keys.map((key, at) => h("li", null, h("i", { class: `tone${at % TONES}` }), key || "–"))),
  );
}

// The next of 1, 2, 5, 10 … above a value.
function nice(value) {
  if (value <= 0) return 0;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}
