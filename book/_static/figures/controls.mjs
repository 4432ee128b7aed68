/* The controls of a figure. Each is described by an object with its setting's name; `make` puts it
   on the page and returns how to show another value. */

import { number } from "./format.mjs";

const LONG = 16; // letters of a choice that a phone has no room for beside another control
const LARGEST = 1e100; // of the numbers to type: their squares are numbers

/** A slider over given values. */
export const slider = (name, label, values, show = number) => ({
  kind: "slider",
  name,
  label,
  values,
  show,
});
/** A choice among a few: [value, text] each; `also(value)` returns what it sets besides. */
export const choice = (name, label, options, also = () => ({})) => ({
  kind: "choice",
  name,
  label,
  options,
  also,
});
/** A box to tick. */
export const tick = (name, label) => ({ kind: "tick", name, label });
/** A number to type, from 0 or, if `positive`, above it, and below `below`. */
export const typed = (name, label, { positive = false, below = LARGEST } = {}) => ({
  kind: "typed",
  name,
  label,
  positive,
  below,
});
/** Numbers to type, in one line. */
export const list = (name, label) => ({ kind: "list", name, label });
/** A button; `press(state)` returns the settings it changes. */
export const button = (label, press) => ({ kind: "button", label, press });

/** Return values from low to high in equal steps. */
export const even = (low, high, step) =>
  Array.from({ length: Math.round((high - low) / step) + 1 }, (_, i) =>
    Number((low + i * step).toPrecision(12)),
  );

/** Return values from low to high, so many in each power of ten, with two digits. */
export const geometric = (low, high, perDecade = 10) => {
  const count = Math.round(Math.log10(high / low) * perDecade);
  const all = Array.from({ length: count + 1 }, (_, i) => low * 10 ** (i / perDecade));
  return [...new Set(all.map((value) => Number(value.toPrecision(2))))];
};

const nearest = (values, value) =>
  values.reduce(
    (best, other, i) => (Math.abs(other - value) < Math.abs(values[best] - value) ? i : best),
    0,
  );

/** Return a setting as the control can show it: its own values only. */
export function admitted(control, value, fallback) {
  if (control.kind === "slider")
    return Number.isFinite(value) ? control.values[nearest(control.values, value)] : fallback;
  if (control.kind === "choice")
    return control.options.some(([option]) => option === value) ? value : fallback;
  if (control.kind === "typed") {
    const enough = control.positive ? value > 0 : value >= 0;
    return enough && value < control.below ? value : fallback;
  }
  if (control.kind === "list")
    return value.length && value.every((one) => Math.abs(one) < LARGEST) ? value : fallback;
  return value;
}

/** Return in words what is wrong with what was typed into a control. */
function complaint({ kind, label, positive, below }, text, kept) {
  const start = positive ? "a number above 0" : "a number from 0";
  const large = below < LARGEST || numeral(text) >= below;
  const wanted = large ? `${start} and below ${below}` : start;
  return kind === "list"
    ? `“${label}” takes numbers with spaces between them, not “${text.trim()}”. Nothing has changed.`
    : `“${label}” takes ${wanted}, not “${text.trim()}”. It is still ${kept}.`;
}

/** Put a control into a form; `change(settings)` hears of what the reader does, `refuse(words)` of
    what cannot be done. */
export function make(control, form, id, { change, refuse, state }) {
  if (control.kind === "button") {
    const element = form.appendChild(document.createElement("button"));
    element.type = "button";
    element.textContent = control.label;
    element.classList.toggle("main", Boolean(control.main));
    element.addEventListener("click", () => change(control.press(state)));
    return () => {
      if (control.caption) element.textContent = control.caption(state);
    };
  }
  const row = form.appendChild(document.createElement("div"));
  row.className = `moving-control moving-${control.kind}`;
  const label = row.appendChild(document.createElement("label"));
  label.textContent = control.label;
  label.htmlFor = id;
  const texts = control.options?.map(([, text]) => text.length) ?? [];
  row.classList.toggle("moving-long", Math.max(...texts) > LONG); // on a phone
  const element = row.appendChild(
    document.createElement(control.kind === "choice" ? "select" : "input"),
  );
  element.id = id;
  const tell = (value) => change({ [control.name]: value });

  if (control.kind === "slider") {
    const shown = row.appendChild(document.createElement("output"));
    shown.htmlFor = id;
    Object.assign(element, { type: "range", min: 0, max: control.values.length - 1, step: 1 });
    element.addEventListener("input", () => tell(control.values[element.value]));
    return (value) => {
      element.value = nearest(control.values, value);
      shown.textContent = control.show(value);
      element.setAttribute("aria-valuetext", shown.textContent);
    };
  }
  if (control.kind === "choice") {
    element.append(...control.options.map(([value, text]) => new Option(text, value)));
    element.addEventListener("change", () =>
      change({ ...control.also(element.value), [control.name]: element.value }),
    );
    return (value, forced) => {
      element.value = value;
      element.disabled = forced;
    };
  }
  if (control.kind === "tick") {
    element.type = "checkbox";
    row.prepend(element);
    element.addEventListener("change", () => tell(element.checked));
    return (value, forced) => {
      element.checked = value;
      element.disabled = forced;
    };
  }
  element.type = "text";
  element.spellcheck = false;
  element.autocomplete = "off";
  if (control.kind === "typed") element.inputMode = "decimal";
  const read = () =>
    control.kind === "typed"
      ? numeral(element.value)
      : element.value
          .trim()
          .split(/[\s,;]+/)
          .map(numeral);
  element.addEventListener("input", () => {
    const value = read();
    const good = admitted(control, value, null) !== null;
    element.setAttribute("aria-invalid", String(!good));
    if (good) tell(value);
    else refuse(complaint(control, element.value, state[control.name]));
  });
  return (value, forced) => {
    element.disabled = forced;
    if (String(read()) === String(value)) return; // not under the reader's fingers
    element.value = control.kind === "typed" ? String(value) : value.join(" ");
    element.setAttribute("aria-invalid", "false");
  };
}

const numeral = (text) => (text.trim() === "" ? NaN : Number(text.trim().replace("−", "-")));
