/* From RMSprop to Adam by switches, on the primer's ravine. */

import { choice, even, geometric, slider, tick } from "./controls.mjs";
import { median, number } from "./format.mjs";
import { Adam, Nadam, RMSprop, minimize } from "./optimizers.mjs";
import { Ravine } from "./problems.mjs";

const KAPPA = 25;
const LOWEST = 1e-12; // of the losses shown
const GOAL = 0.01;

export const controls = [
  tick("corrected", "correct the start"),
  tick("outside", "ε outside the root"),
  choice("place", "momentum", [
    ["none", "none"],
    ["before", "average g, then divide"],
    ["behind", "divide, then add up"],
  ]),
  tick("nesterov", "look ahead (Nesterov)"),
  slider("momentum", "β₁ or μ", [0.1, 0.5, 0.8, 0.9, 0.95, 0.99]),
  slider("rho", "ρ or β₂", [0.5, 0.9, 0.95, 0.99, 0.999]),
  slider("eta", "η", geometric(0.001, 1)),
  slider("angle", "angle of the ravine", even(0, 90, 5), (angle) => `${angle}°`),
  slider("steps", "steps", [100, 200, 400, 600, 1000]),
];

/** What a switch brings with it, because nobody has published it otherwise. */
export function forced({ place, nesterov }) {
  const must = {};
  if (place === "before") must.outside = true;
  if (place === "before" && nesterov) must.corrected = true;
  if (place === "none") must.nesterov = false;
  return must;
}

const ravine = (angle) => new Ravine({ kappa: KAPPA, angle });

/** The method of the switches, and the rate at step t. */
function method({ corrected, outside, place, nesterov, momentum, rho, eta }) {
  if (place !== "before") {
    const optimizer = new RMSprop({
      rho,
      bias_correction: corrected,
      epsilon_inside: !outside,
      momentum: place === "behind" ? momentum : 0,
      nesterov,
    });
    return [optimizer, () => eta];
  }
  const decays = { beta_1: momentum, beta_2: rho };
  if (nesterov) return [new Nadam(decays), () => eta];
  if (corrected) return [new Adam(decays), () => eta];
  // Adam with its two corrections taken back
  const rate = (t) => (eta * (1 - momentum ** (t + 1))) / Math.sqrt(1 - rho ** (t + 1));
  return [new Adam({ ...decays, epsilon_hat: true }), rate];
}

/** The name under which the setting is known. */
function nameOf({ corrected, outside, place, nesterov, rho }) {
  if (place === "before") {
    if (nesterov) return "This is Nadam.";
    if (!corrected) return "This is Adam without its corrections.";
    return rho === 0.999 ? "This is Adam." : "This is Adam with a shorter memory.";
  }
  if (place === "none" && corrected && outside) return "This is Adam with β₁ = 0.";
  const added = { none: "", behind: nesterov ? " with Nesterov's momentum" : " with momentum" }[
    place
  ];
  const optax = corrected || nesterov; // what no other library has
  const library = optax ? "optax" : outside ? "PyTorch" : "Keras";
  return `This is RMSprop${added}, as ${library} has it.`;
}

/** The run of the switches. */
export function run(state) {
  const [optimizer, rate] = method(state);
  return minimize(ravine(state.angle), optimizer, rate, state.steps);
}

/** RMSprop and Adam, between which the switches lead; kept while their settings stay. */
let kept = {};
function bothEnds({ eta, angle, steps }) {
  const settings = `${eta} ${angle} ${steps}`;
  if (kept.settings !== settings) {
    const end = (optimizer) => minimize(ravine(angle), optimizer, () => eta, steps);
    kept = { settings, runs: { rmsprop: end(new RMSprop()), adam: end(new Adam()) } };
  }
  return kept.runs;
}

export function build({ plot }) {
  const losses = plot({
    label: "Loss against step",
    x: { label: "step" },
    y: { label: "loss", log: true },
    ratio: 0.8,
  });
  const plane = plot({
    label: "Path in the plane",
    x: { label: "θ₁" },
    y: { label: "θ₂" },
    ratio: 0.8,
  });
  losses.legend([
    ["now", "your switches"],
    ["rmsprop", "RMSprop"],
    ["adam", "Adam"],
    ["cycle", "cycle ±η/2"],
  ]);
  plane.legend([
    ["now", "your switches"],
    ["cycle", "cycle ±η/2"],
  ]);

  return (state) => {
    const { eta, angle, steps } = state;
    const runs = { ...bothEnds(state), now: run(state) };

    losses.begin([0, steps], [LOWEST, 1e3]);
    for (const [look, run] of Object.entries(runs))
      losses.line(
        look,
        [...run.losses.keys()],
        run.losses.map((loss) => Math.max(loss, LOWEST / 1e3)),
        look,
      );
    if (angle === 0) losses.level("cycle", ((eta * eta) / 8) * (1 + KAPPA), "cycle");
    losses.end();

    plane.begin([-2.5, 2.5], [-2, 2]);
    for (const level of [0.003, 0.03, 0.3, 3, 30, 300]) {
      const axes = ravine(angle).curvatures.map((curvature) => Math.sqrt((2 * level) / curvature));
      plane.ellipse(`level ${level}`, [0, 0], axes, angle, "contour");
    }
    plane.rectangle("cycle", [-eta / 2, eta / 2], [-eta / 2, eta / 2], "cycle");
    const [xs, ys] = [0, 1].map((i) => runs.now.points.map((point) => point[i]));
    plane.line("now", xs, ys, "now");
    plane.dots("points", xs.slice(0, 80), ys.slice(0, 80), "now", 2);
    plane.end();

    const { points, losses: values, diverged } = runs.now;
    const first = Math.max(...points[1].map((x, i) => Math.abs(x - points[0][i]))) / eta;
    const reached = values.findIndex((loss) => loss <= GOAL);
    const late = median(values.slice(Math.floor(0.6 * values.length)));
    return (
      `${nameOf(state)} The first step is ${number(first)} η long; ` +
      (reached < 0
        ? `the loss is never ${GOAL}; `
        : `the loss is ${GOAL} after ${reached} steps; `) +
      (diverged
        ? "the run diverges."
        : `in the last two fifths it is about ${number(late, 2)} (RMSprop ${number(median(runs.rmsprop.losses.slice(Math.floor(0.6 * steps))), 2)}).`)
    );
  };
}
