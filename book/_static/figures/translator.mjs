/* The translator: a recipe typed as one library has it, in the code of each other one. */

import { bars } from "./bars.mjs";
import { choice, list, tick, typed } from "./controls.mjs";
import { number, percent } from "./format.mjs";
import { RMSprop, SCHEDULES, walk } from "./optimizers.mjs";
import { SOURCES, TARGETS, asTyped, code, defaults, fails, fixed, translate } from "./recipes.mjs";

/* Some paths are the same: each has marks of its own, at steps of its own. */
const MARKED = { package: "circle", torch: "square", keras: "up", tf1: "diamond", optax: "down" };
const LOOKS = Object.keys(MARKED);

export const extra = { step: 5 };
export const controls = [
  choice("source", "recipe from", SOURCES, defaults),
  typed("learning_rate", "learning rate", { positive: true }),
  typed("rho", "ρ (alpha, decay)", { below: 1 }),
  typed("epsilon", "ε"),
  typed("momentum", "momentum", { below: 1 }),
  typed("initial", "v at the start"),
  choice("schedule", "learning rate falls", [
    ["constant", "constant"],
    ["linear", "linear to 0"],
  ]),
  list("gradients", "gradients to compare on"),
  tick("centered", "centered"),
  tick("inside", "ε inside the root"),
  tick("nesterov", "Nesterov"),
  tick("bias_correction", "bias correction"),
];

/** What a library lacks is as it has it. */
export const forced = ({ source }) => fixed(source);

/** The paths of a recipe and of its translations, from 1, on the gradients; their code, and how far
    they come apart. A path ends where the library's does. */
export function paths(state) {
  const { gradients } = state;
  const rate = SCHEDULES[state.schedule](state.learning_rate, gradients.length);
  const follow = (settings) => [1, ...walk(new RMSprop(settings), gradients, rate)];
  const original = follow(asTyped(state));
  const translations = Object.keys(TARGETS).map((target) => {
    const { settings, notes } = translate(state, target);
    const [failed, how] = target === "rmsprop" ? [] : fails(settings, gradients);
    const path = follow(settings);
    const verdict = how ?? distance(apart(original, path));
    if (how) path.fill(NaN, failed + 1);
    return { target, settings, notes, path, verdict, lines: code(target, settings, state) };
  });
  return { original, translations };
}

/** The translated settings, for the Python below the figure. */
export const derived = (state) => ({
  original: asTyped(state),
  translations: Object.fromEntries(
    paths(state).translations.map(({ target, settings }) => [TARGETS[target], settings]),
  ),
});

/** How far two paths come apart, as a share of the first one's length. */
function apart(original, path) {
  const gap = Math.max(...path.map((x, i) => Math.abs(x - original[i])));
  const length = original.slice(1).reduce((sum, x, i) => sum + Math.abs(x - original[i]), 0);
  return gap && gap / length;
}

const ALIKE = 1e-12; // as a share of the way: rounding
const distance = (far) => {
  if (far <= ALIKE) return "✓ same steps";
  const much = far < 1 ? percent(far) : `${number(far, 2)} times`;
  return `up to ${much}${far < 1 ? " of" : ""} the recipe's way apart`;
};

/** Put a card for each library below the plots; return what fills one. */
function cards(place) {
  const all = document.createElement("div");
  all.className = "moving-cards";
  place.after(all);
  const made = {};
  for (const [target, name] of Object.entries(TARGETS)) {
    made[target] = all.appendChild(document.createElement("section"));
    made[target].innerHTML = `<p class="moving-card-head"><strong>${name}</strong> <span></span></p>
       <pre tabindex="0" aria-label="Code for ${name}"></pre><ul></ul>`;
  }
  const filled = {}; // what stands in a card: most stay the same when a slider moves
  return (target, verdict, lines, notes) => {
    const now = [verdict, lines, ...notes].join();
    if (filled[target] === now) return;
    filled[target] = now;
    const [head, pre, ul] = made[target].children;
    head.lastElementChild.textContent = verdict;
    pre.textContent = lines;
    ul.replaceChildren(
      ...notes.map((note) => {
        const item = document.createElement("li");
        item.textContent = note;
        return item;
      }),
    );
  };
}

export function build({ plot, place, change }) {
  const step = { label: "step" };
  const history = plot({ label: "The gradients", x: step, y: { label: "gradient" }, height: 260 });
  const plane = plot({
    label: "The parameter after each step",
    x: step,
    y: { label: "θ" },
    height: 260,
  });
  const fill = cards(place);
  const others = Object.entries(TARGETS).filter(([target]) => target !== "rmsprop");
  history.legend([["bar", "gradient: drag it"]]);
  const named = [["package", "as typed"], ...others];
  plane.legend(named.map(([look, text]) => [look, text, MARKED[look]]));
  const draw = (look, path) => {
    const steps = path.map((_, i) => i);
    plane.line(look, steps, path, look);
    const own = steps.filter((i) => i % LOOKS.length === LOOKS.indexOf(look));
    plane.marks(`${look} marks`, own, own.map((i) => path[i]), look, MARKED[look]);
  };

  return (state) => {
    const { original, translations } = paths(state);
    const { gradients } = state;
    const largest = Math.max(...gradients.map(Math.abs), 1e-12);
    const top = 1.3 * largest;
    history.begin([0.3, gradients.length + 0.7], [-top, top]);
    const unit = 10 ** Math.floor(Math.log10(largest / 2));
    bars(history, state, [-top, top], change, { largest: top, unit });
    history.end();

    const all = [original, ...translations.map(({ path }) => path)].flat().filter(Number.isFinite);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const room = 0.05 * (high - low) || 1e-6;
    plane.begin([0, gradients.length], [low - room, high + room]);
    draw("package", original);
    const said = [];
    for (const { target, notes, path, verdict, lines } of translations) {
      fill(target, verdict, lines, notes);
      if (target === "rmsprop") continue; // this package takes every recipe's steps
      draw(target, path);
      said.push(`${TARGETS[target]}: ${verdict}`);
    }
    plane.end();
    const first = Math.abs(original[1] - original[0]);
    const count = gradients.length;
    return `On ${count > 1 ? `these ${count} gradients` : "this gradient"}, ${said.join("; ")}. The recipe's first step is ${number(first)} long.`;
  };
}
