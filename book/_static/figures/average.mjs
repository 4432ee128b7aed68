/* The average: gradients under the finger, the root of v beside them, and the rate that follows. */

import { bars } from "./bars.mjs";
import { button, list, slider, tick } from "./controls.mjs";
import { median, number } from "./format.mjs";
import { RMSprop } from "./optimizers.mjs";

const SPIKE = 8;
const EPSILON = 1e-7;

export const extra = { step: 20 };
export const controls = [
  slider("rho", "ρ", [0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999]),
  tick("corrected", "correct the start"),
  list("gradients", "gradients, step by step"),
  button("Add a spike", ({ gradients, step }) => ({
    gradients: gradients.map((g, i) => (i === step - 1 ? SPIKE : g)),
    step: ((step + 6) % gradients.length) + 1,
  })),
  button("All ones", ({ gradients }) => ({ gradients: gradients.map(() => 1) })),
  button("Every other sign", ({ gradients }) => ({
    gradients: gradients.map((g, i) => (i % 2 ? -1 : 1) * Math.abs(g)),
  })),
];

/** v after each step, corrected or not, and the rate in units of η. */
export function averages({ rho, corrected, gradients }) {
  const optimizer = new RMSprop({ rho });
  const v = gradients.map((g, i) => {
    optimizer.step([0], [g], 1);
    return optimizer.v[0] / (corrected ? 1 - rho ** (i + 1) : 1);
  });
  return { v, rates: v.map((value) => 1 / Math.sqrt(value + EPSILON)) };
}

export function build({ plot, change }) {
  const step = { label: "step" };
  const above = plot({
    label: "Gradients and the root of their average square",
    x: step,
    y: { label: "g and √v" },
    height: 320,
  });
  const below = plot({
    label: "Effective rate",
    x: step,
    y: { label: "rate / η", log: true },
    height: 320,
  });
  above.legend([
    ["bar", "gradient g: drag it"],
    ["rmsprop", "√v"],
    ["half", "half-life"],
  ]);
  below.legend([
    ["rmsprop", "1/√v, the rate"],
    ["cycle", "1/|g|, of one step alone"],
  ]);

  return (state) => {
    const { gradients, rho } = state;
    const { v, rates } = averages(state);
    const across = [0.3, gradients.length + 0.7];
    const steps = gradients.map((_, i) => i + 1);
    const sizes = gradients.map(Math.abs);
    const largest = Math.max(...sizes);
    const peak = sizes.indexOf(largest) + 1;
    const half = rho ? Math.log(2) / -Math.log(rho) : 0;

    const ends = [Math.min(-1, ...gradients) - 0.5, Math.max(3, ...gradients) + 1];
    above.begin(across, ends);
    bars(above, state, ends, change, { largest: 10, unit: 0.5 });
    above.line("root", steps, v.map(Math.sqrt), "rmsprop");
    above.line("half", [peak, peak + half], [ends[1] - 0.4, ends[1] - 0.4], "half");
    above.end();

    const decade = (edge, value) => 10 ** edge(Math.log10(value));
    const highest = Math.max(2, ...rates);
    below.begin(across, [decade(Math.floor, Math.min(0.5, ...rates)), decade(Math.ceil, highest)]);
    below.line("one", [0, gradients.length + 1], [1, 1], "axis");
    below.dots(
      "alone",
      steps,
      sizes.map((g) => 1 / g),
      "cycle",
      2.5,
    );
    below.line("rate", steps, rates, "rmsprop");
    below.end();

    return words(state, { rates, sizes, largest, peak, half });
  };
}

const counted = (steps) => (steps === 1 ? "one step" : `${steps} steps`);

function words({ rho }, { rates, sizes, largest, peak, half }) {
  const forgets = rho
    ? `With ρ = ${rho} a squared gradient counts half after ${number(half)} steps; the average looks back over about ${number(1 / (1 - rho))}.`
    : "With ρ = 0 nothing is remembered: every step is η long.";
  const usual = median(sizes);
  const last = ` The last rate is ${number(rates.at(-1))} η.`;
  if (largest <= 1.5 * usual) return forgets + last;
  const back = rates.findIndex((rate, i) => i >= peak && rate >= 0.5 / usual);
  const spike = ` The largest gradient, ${number(largest)} at step ${peak}, takes the rate to ${number(rates[peak - 1])} η`;
  const recovery =
    back < 0
      ? "; by the end it is not back at half of the usual."
      : `; it takes ${counted(back + 1 - peak)} to be back at half of the usual.`;
  return forgets + spike + recovery + last;
}
