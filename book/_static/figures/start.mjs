/* Brings the figures of a page to life.

   A figure is a module with `controls`, what can be set, and `build`, which puts its plots on the
   page and returns `draw(state)`: it draws, and returns the result in words. All else is here: the
   state and the address, what screen readers hear, the Python that makes the same picture. */

import { admitted, make } from "./controls.mjs";
import { python } from "./format.mjs";
import { Plot } from "./plot.mjs";

const QUIET = 400; // ms without a change, after which the address and the spoken words follow

for (const stage of document.querySelectorAll(".moving-stage")) start(stage);

async function start(stage) {
  const name = stage.dataset.moving;
  const {
    controls,
    build,
    extra = {},
    forced = () => ({}),
    derived,
  } = await import(`./${name}.mjs`);
  const figure = stage.closest("figure");
  const defaults = { ...JSON.parse(stage.dataset.settings), ...extra };
  const state = { ...defaults, ...fromAddress(name, defaults, controls) };

  const live = document.createElement("div");
  live.className = "moving-live";
  const form = element(live, "form", "moving-controls");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.setAttribute("aria-label", "Settings of the figure");
  const plots = element(live, "div", "moving-plots");
  const words = element(live, "p", "moving-words");
  const spoken = element(live, "p", "moving-spoken");
  spoken.setAttribute("role", "status");
  const foot = element(live, "p", "moving-foot");
  const link = element(foot, "a", "moving-link");
  link.textContent = "Link to this view";
  const reset = element(foot, "button", "moving-reset");
  reset.type = "button";
  reset.textContent = "As at first";
  reset.addEventListener("click", () => change(defaults));

  const show = controls.map((control, i) => ({
    control,
    update: make(control, form, `moving-${name}-${control.name ?? i}`, { change, refuse, state }),
  }));
  stage.append(live);
  stage.classList.add("moving-alive");
  const drawn = [];
  const plot = (options) => {
    drawn.push(new Plot(plots, options));
    return drawn.at(-1);
  };
  const draw = build({ plot, place: plots, change, state });

  let timer;
  function change(settings) {
    Object.assign(state, settings);
    redraw();
    clearTimeout(timer);
    timer = setTimeout(follow, QUIET);
  }

  function refuse(why) {
    words.textContent = why;
    clearTimeout(timer);
    timer = setTimeout(follow, QUIET);
  }

  function redraw() {
    const must = forced(state);
    Object.assign(state, must);
    for (const { control, update } of show) update(state[control.name], control.name in must);
    words.textContent = draw(state);
    link.href = address(name, state, defaults, figure.id);
  }

  function follow() {
    writePython();
    spoken.textContent = words.textContent;
    history.replaceState(history.state, "", link.href);
  }

  function writePython() {
    const settings = { ...state, ...derived?.(state) };
    for (const span of figure.querySelectorAll("[data-setting]"))
      span.textContent = python(settings[span.dataset.setting]);
    figure.querySelector(".moving-python").dispatchEvent(new Event("rewritten"));
  }

  redraw();
  writePython();
  let width = stage.clientWidth;
  new ResizeObserver(() => {
    if (stage.clientWidth === width) return;
    width = stage.clientWidth;
    for (const one of drawn) one.measure();
    redraw();
  }).observe(stage);
}

function element(parent, tag, className) {
  const made = parent.appendChild(document.createElement(tag));
  made.className = className;
  return made;
}

/** Return the settings that stand in the address, as far as the controls admit them. */
function fromAddress(name, defaults, controls) {
  const found = {};
  for (const [key, text] of new URLSearchParams(location.search)) {
    const setting = key.startsWith(`${name}.`) ? key.slice(name.length + 1) : "";
    if (!Object.hasOwn(defaults, setting)) continue;
    const like = defaults[setting];
    let value = text;
    if (typeof like === "boolean") value = text === "true";
    if (typeof like === "number") value = Number(text);
    if (Array.isArray(like)) value = text.split(" ").map(Number);
    const control = controls.find((one) => one.name === setting);
    if (control) value = admitted(control, value, like);
    else if (typeof like === "number" && !Number.isFinite(value)) value = like;
    found[setting] = value;
  }
  return found;
}

/** Return the address of the page with what is not as at first. */
function address(name, state, defaults, id) {
  const url = new URL(location.href);
  for (const setting of Object.keys(defaults)) {
    const [value, first] = [state[setting], defaults[setting]].map((one) =>
      Array.isArray(one) ? one.join(" ") : String(one),
    );
    if (value === first) url.searchParams.delete(`${name}.${setting}`);
    else url.searchParams.set(`${name}.${setting}`, value);
  }
  url.hash = id;
  return url.href;
}
