/* The ravine: gradient descent and RMSprop, their paths and losses, and a guess to check. */

import { choice, even, geometric, button, slider } from "./controls.mjs";
import { number } from "./format.mjs";
import { RMSprop, SCHEDULES, SGD, minimize } from "./optimizers.mjs";
import { Ravine } from "./problems.mjs";

export const FALLING = [
  ["constant", "constant"],
  ["linear", "linear to 0"],
  ["cosine", "cosine to 0"],
  ["stairs", "halved 5 times"],
  ["inverse", "1/(1 + t/10)"],
];
const FIRST = 8; // steps that are shown before the guess
const PLAY = 900; // ms that a run takes to be drawn
const LOWEST = 1e-10; // of the losses shown
const LEVELS = [-5, -4, -3, -2, -1, 0, 1, 2, 3].map((power) => 3 * 10 ** power);

export const extra = { guess: 1, ran: false, zoom: 1 };
const run = button("Run", ({ ran }) => ({ ran: !ran }));
run.main = true;
run.caption = ({ ran }) => (ran ? "Guess again" : "Run");

export const controls = [
  slider("kappa", "κ, steeper across by", geometric(1, 1000)),
  slider("angle", "angle of the ravine", even(0, 90, 5), (angle) => `${angle}°`),
  slider("noise", "noise of the gradients", [0, 0.01, 0.03, 0.1, 0.3, 1, 3]),
  slider("steps", "steps", [50, 100, 200, 300, 400, 600]),
  slider("eta", "η of RMSprop", geometric(0.001, 1)),
  slider("rho", "ρ", [0, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999]),
  slider("epsilon", "ε", [0, ...geometric(1e-8, 10, 1)]),
  choice("schedule", "η of RMSprop falls", FALLING),
  slider("share", "η of descent × κ/2", even(0.05, 1.1, 0.05)),
  slider("zoom", "plane magnified", [1, 2, 5, 10, 20, 50], (zoom) => `${zoom} ×`),
  run,
];

/** The loss of a cycle of ±η/2 along the axes. */
const cycleLoss = ({ eta, kappa }) => ((eta * eta) / 8) * (1 + kappa);

/** The two runs of a setting. */
export function runs(state) {
  const ravine = new Ravine(state);
  const falling = SCHEDULES[state.schedule](state.eta, state.steps);
  const rate = (state.share * 2) / state.kappa;
  return {
    ravine,
    descent: minimize(ravine, new SGD(), () => rate, state.steps),
    rmsprop: minimize(ravine, new RMSprop(state), falling, state.steps),
  };
}

const stands = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export function build({ plot, change, state: { ran } }) {
  let began = null; // when the run began that is being drawn
  const plane = plot({
    label: "Paths in the plane",
    x: { label: "θ₁" },
    y: { label: "θ₂" },
    ratio: 1,
  });
  const losses = plot({
    label: "Loss against step",
    x: { label: "step" },
    y: { label: "loss", log: true },
    ratio: 1,
  });
  plane.legend([
    ["rmsprop", "RMSprop"],
    ["sgd", "gradient descent"],
    ["cycle", "cycle ±η/2"],
  ]);

  return (state) => {
    const { ravine, descent, rmsprop } = runs(state);
    if (state.ran && !ran && !stands()) began = performance.now();
    ran = state.ran;
    const played = began === null ? 1 : Math.min((performance.now() - began) / PLAY, 1);
    if (played < 1) requestAnimationFrame(() => change({}));
    else began = null;
    const shown = ran ? Math.max(FIRST, Math.round(played * state.steps)) : FIRST;
    const cycles = state.schedule === "constant";
    const predicted = cycles && state.angle === 0 && state.noise === 0;

    const reach = 2.5 / state.zoom;
    plane.begin([-reach, reach], [-reach, reach]);
    for (const level of LEVELS) {
      const axes = ravine.curvatures.map((curvature) => Math.sqrt((2 * level) / curvature));
      plane.ellipse(`level ${level}`, [0, 0], axes, state.angle, "contour");
    }
    const half = state.eta / 2;
    if (cycles) plane.rectangle("cycle", [-half, half], [-half, half], "cycle");
    for (const [look, path] of [
      ["sgd", descent],
      ["rmsprop", rmsprop],
    ]) {
      const points = path.points.slice(0, shown + 1);
      const [xs, ys] = [0, 1].map((i) => points.map((point) => point[i]));
      plane.line(look, xs, ys, look);
      plane.dots(`${look} points`, xs, ys, look, 2);
    }
    plane.end();

    const top = 10 ** Math.ceil(Math.log10(10 * ravine.loss(ravine.start)));
    losses.begin([0, state.steps], [LOWEST, top]);
    for (const [look, path] of [
      ["sgd", descent],
      ["rmsprop", rmsprop],
    ]) {
      const values = path.losses.slice(0, shown + 1).map((loss) => Math.max(loss, LOWEST / 1e3));
      losses.line(look, [...values.keys()], values, look);
    }
    if (predicted && state.ran) losses.level("cycle", cycleLoss(state), "cycle");
    losses.level("guess", state.guess, "guess");
    const guess = (loss) =>
      change({ guess: Number(Math.min(Math.max(loss, LOWEST), top).toPrecision(2)) });
    losses.text("guess text", state.steps, state.guess, "your guess", {
      anchor: "end",
      look: "guess",
      dx: -22,
      dy: -6,
    });
    losses.handle("guess handle", state.steps * 0.97, state.guess, {
      label: "Your guess of RMSprop's last loss",
      now: Math.log10(state.guess).toFixed(1),
      text: number(state.guess),
      moved: (x, y) => guess(y),
      keys: (dx, dy) => guess(state.guess * 10 ** ((dx + dy) / 10)),
    });
    losses.end();
    losses.legend(
      predicted && state.ran
        ? [
            ["cycle", "η²(1 + κ)/8"],
            ["guess", "your guess"],
          ]
        : [["guess", "your guess"]],
    );
    return played < 1 ? "Running." : words(state, descent, rmsprop, predicted);
  };
}

function words(state, descent, rmsprop, predicted) {
  const steps = state.steps;
  if (!state.ran)
    return `The first ${FIRST} steps are drawn. What is RMSprop's loss after ${steps}? Drag the line to your guess, now ${number(state.guess)}, and run.`;
  const end = ({ diverged, losses }) =>
    diverged ? `diverges at step ${losses.length - 1}` : `is at ${number(losses.at(-1))}`;
  let said = `After ${steps} steps RMSprop ${end(rmsprop)}, gradient descent ${end(descent)}.`;
  const off = state.guess / rmsprop.losses.at(-1);
  if (Number.isFinite(off)) {
    const close = Math.max(off, 1 / off);
    said +=
      close < 1.5
        ? " Your guess was right, to within a half."
        : ` Your guess was ${number(close, 2)} times too ${off > 1 ? "high" : "low"}.`;
  }
  if (predicted)
    said += ` The cycle of ±η/2 predicts ${number(cycleLoss(state))}, however many steps are taken.`;
  return said;
}
