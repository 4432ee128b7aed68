/* The translator: a recipe typed as one library has it, in the code of each other one. */

import { bars } from "./bars.mjs";
import { choice, list, tick, typed } from "./controls.mjs";
import { number, percent } from "./format.mjs";
import { RMSprop, SCHEDULES, walk } from "./optimizers.mjs";
import { SOURCES, TARGETS, asTyped, code, defaults, fixed, translate } from "./recipes.mjs";

export const extra = { step: 5 };
export const controls = [
  choice("source", "recipe from", SOURCES, defaults),
  typed("learning_rate", "learning rate"),
  typed("rho", "ρ (alpha, decay)"),
  typed("epsilon", "ε"),
  typed("momentum", "momentum"),
  typed("initial", "v at the start"),
  choice("schedule", "learning rate falls", [["constant", "constant"], ["linear", "linear to 0"]]),
  list("gradients", "gradients to compare on"),
  tick("centered", "centered"),
  tick("inside", "ε inside the root"),
  tick("nesterov", "Nesterov"),
  tick("bias_correction", "bias correction"),
];

/** What a library lacks is as it has it. */
export const forced = ({ source }) => fixed(source);



/** The paths of a recipe and of its translations, from 1, on the gradients. */
export function paths(state) {
  const rate = SCHEDULES[state.schedule](state.learning_rate, state.gradients.length);
  const follow = (settings) => [1, ...walk(new RMSprop(settings), state.gradients, rate)];
  const original = follow(asTyped(state));
  const translations = Object.keys(TARGETS).map((target) => {
    const { settings, notes } = translate(state, target);
    return { target, settings, notes, path: follow(settings) };
  });
  return { original, translations };
}

/** The translated settings, for the Python below the figure. */
export const derived = (state) => ({
  original: asTyped(state),
  translations: Object.fromEntries(
    paths(state).translations.map(({ target, settings }) => [TARGETS[target], settings])),
});

/** How far two paths come apart, as a share of the first one's length. */
function apart(original, path) {
  const length = original.slice(1).reduce((sum, x, i) => sum + Math.abs(x - original[i]), 0);
  return Math.max(...path.map((x, i) => Math.abs(x - original[i]))) / length;
}

const distance = (far) =>
  far < 1 ? `up to ${percent(far)} of the recipe's way apart` : `up to ${number(far, 2)} times the recipe's way apart`;

export function build({ plot, place, change }) {
  const history = plot({ label: "The gradients", x: { label: "step" }, y: { label: "gradient" }, height: 260 });
  const plane = plot({ label: "The parameter after each step", x: { label: "step" }, y: { label: "θ" }, height: 260 });
  history.legend([["bar", "gradient: drag it"]]);
  const looks = { torch: "torch", keras: "keras", tf1: "tf1", optax: "optax", rmsprop: "package" };
  plane.legend([...Object.entries(looks).filter(([target]) => target !== "rmsprop").map(([target, look]) => [look, TARGETS[target]]), ["package", "as typed"]]);
  const cards = place.parentElement.insertBefore(document.createElement("div"), place.nextSibling);
  cards.className = "moving-cards";
  const card = Object.fromEntries(Object.entries(TARGETS).map(([target, name]) => {
    const made = cards.appendChild(document.createElement("section"));
    made.innerHTML = `<p class="moving-card-head"><strong>${name}</strong> <span></span></p><pre tabindex="0" aria-label="Code for ${name}"></pre><ul></ul>`;
    return [target, made];
  }));

  return (state) => {
    const { original, translations } = paths(state);
    const { gradients } = state;
    const largest = Math.max(...gradients.map(Math.abs), 1e-12);
    const unit = 10 ** Math.floor(Math.log10(largest) - 0.3);
    const ends = [-1.3 * largest, 1.3 * largest];
    history.begin([0.3, gradients.length + 0.7], ends);
    bars(history, state, ends, change, { largest: 1.3 * largest, unit });
    history.end();

    const all = [original, ...translations.map(({ path }) => path)].flat().filter(Number.isFinite);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const room = 0.05 * (high - low) || 1e-6;
    plane.begin([0, gradients.length], [low - room, high + room]);
    const steps = original.map((_, i) => i);
    plane.line("as typed", steps, original, "package");
    for (const { target, path } of translations)
      if (target !== "rmsprop") plane.line(target, steps, path, looks[target]);
    plane.end();

    const said = translations.map(({ target, settings, notes, path }) => {
      const far = apart(original, path);
      const exact = !(far > 1e-12);
      const [head, pre, ul] = card[target].children;
      head.lastElementChild.textContent = exact ? "same steps" : distance(far);
      head.lastElementChild.className = exact ? "same" : "other";
      pre.textContent = code(target, settings, state);
      ul.replaceChildren(...notes.map((note) => {
        const item = document.createElement("li");
        item.textContent = note;
        return item;
      }));
      return target === "rmsprop" ? "" : `${TARGETS[target]} ${exact ? "takes the same steps" : `comes ${distance(far)}`}`;
    });
    const first = Math.abs(original[1] - original[0]);
    return `On these ${gradients.length} gradients: ${said.filter(Boolean).join("; ")}. The first step of the recipe is ${number(first)} long.`;
  };
}
