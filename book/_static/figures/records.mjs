/* The recorded runs: by data set, method, learning rate and seed. */

import { choice, slider } from "./controls.mjs";
import { median, number } from "./format.mjs";

const LOOKS = {
  SGD: "sgd",
  momentum: "momentum",
  RMSprop: "rmsprop",
  Adam: "adam",
  Nadam: "nadam",
};
const RATES = [-5, -4, -3, -2, -1, 0].flatMap((power) =>
  [1, 3].map((digit) => Number(`${digit}e${power}`)),
);

export const controls = [
  choice("data", "data", [
    ["mnist", "MNIST"],
    ["cifar10", "CIFAR-10"],
    ["rows", "MNIST row by row, LSTM"],
    ["vowels", "vowels, LSTM"],
    ["adding", "adding, LSTM"],
    ["digits", "small digits"],
  ]),
  choice(
    "method",
    "method",
    Object.keys(LOOKS).map((name) => [name, name]),
  ),
  slider("rate", "learning rate", RATES),
  slider("seed", "which seed", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], (seed) => `${seed + 1}.`),
];

const nearest = (values, wanted) =>
  values.reduce((best, value) =>
    Math.abs(Math.log(value / wanted)) < Math.abs(Math.log(best / wanted)) ? value : best,
  );
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const unique = (values) => [...new Set(values)].sort((a, b) => a - b);

// Read before the figure takes the place of the still one, so that nothing appears late.
const all = await (await fetch(new URL("records.json", import.meta.url))).json();
for (const one of Object.values(all))
  one.runs = one.runs.map(([compared, method, rate, seed, test, losses]) => {
    const loss = losses.map((value) => value ?? NaN);
    return { compared, method, rate, seed, test, loss };
  });

/** Return the runs of a method at the recorded rate that is nearest; RMSprop's for one not tried. */
export function choose({ data, method: wanted, rate: wish }) {
  const { best, runs } = all[data];
  const method = wanted in best ? wanted : "RMSprop";
  const mine = runs.filter((run) => run.method === method);
  const rate = nearest(unique(mine.map((run) => run.rate)), wish);
  return { best, runs, method, rate, chosen: mine.filter((run) => run.rate === rate) };
}

export function build({ plot, change }) {
  const search = plot({
    label: "Last validation loss against learning rate",
    x: { label: "learning rate", log: true },
    y: { label: "validation loss", log: true },
    ratio: 0.8,
  });
  const curves = plot({
    label: "Validation loss against epoch",
    x: { label: "epoch" },
    y: { label: "validation loss", log: true },
    ratio: 0.8,
  });
  const spread = plot({
    label: "Spread of the test results at the best rate",
    x: { label: "test result" },
    y: { label: "method", ticks: false },
    height: 210,
    wide: true,
  });

  return (state) => {
    const { best, runs, method, rate, chosen } = choose(state);
    const methods = Object.keys(best);
    drawSearch(search, runs, methods, { method, rate, best }, (value) => change({ rate: value }));
    const seeds = unique(chosen.map((run) => run.seed));
    const seed = seeds[Math.min(state.seed, seeds.length - 1)];
    drawCurves(curves, chosen, seed, LOOKS[method]);
    const tested = Object.fromEntries(
      methods.map((name) => [name, results(runs, name, best[name])]),
    );
    drawSpread(spread, methods, tested, method);
    const missing = method === state.method ? "" : `${state.method} was not tried here. `;
    return missing + words({ method, rate, best, seed, seeds, chosen, tested, methods });
  };
}

/** The tests of a method at its best rate: those of the comparison, where there is one. */
function results(runs, method, rate) {
  const at = runs.filter((run) => run.method === method && run.rate === rate);
  const compared = at.filter((run) => run.compared);
  return (compared.length ? compared : at).map((run) => run.test).sort((a, b) => a - b);
}

function drawSearch(plot, runs, methods, { method, rate, best }, take) {
  const searched = runs.filter((run) => !run.compared && Number.isFinite(run.loss.at(-1)));
  const last = (name, at) =>
    mean(
      searched
        .filter((run) => run.method === name && run.rate === at)
        .map((run) => run.loss.at(-1)),
    );
  const rates = unique(searched.map((run) => run.rate));
  const losses = searched.map((run) => run.loss.at(-1));
  const top = Math.min(Math.max(...losses), 1e4 * Math.min(...losses));
  plot.begin([rates[0] / 1.5, rates.at(-1) * 1.5], [Math.min(...losses) / 1.3, top * 1.3]);
  for (const name of methods) {
    const own = unique(searched.filter((run) => run.method === name).map((run) => run.rate));
    const strong = name === method ? "" : " faint";
    plot.line(
      name,
      own,
      own.map((at) => last(name, at)),
      LOOKS[name] + strong,
    );
    plot.dots(`${name} best`, [best[name]], [last(name, best[name])], LOOKS[name] + strong, 4);
  }
  const own = unique(searched.filter((run) => run.method === method).map((run) => run.rate));
  const height = last(method, rate);
  plot.handle("rate", rate, Number.isFinite(height) ? height : top, {
    label: `Learning rate of ${method}`,
    now: rate,
    text: number(rate),
    moved: (x) => take(nearest(own, x)),
    keys: (dx, dy) => take(own[Math.min(Math.max(own.indexOf(rate) + dx + dy, 0), own.length - 1)]),
  });
  plot.end();
  plot.legend(methods.map((name) => [LOOKS[name], name]));
}

function drawCurves(plot, chosen, seed, look) {
  const epochs = Math.max(...chosen.map((run) => run.loss.length));
  const losses = chosen.flatMap((run) => run.loss).filter(Number.isFinite);
  const ends = losses.length ? [Math.min(...losses) / 1.2, Math.max(...losses) * 1.2] : [0.1, 10];
  plot.begin([1, Math.max(epochs, 2)], ends);
  for (const [i, run] of chosen.entries()) {
    const strong = run.seed === seed ? "" : " faint";
    plot.line(
      `run ${i}`,
      run.loss.map((_, epoch) => epoch + 1),
      run.loss,
      look + strong,
    );
  }
  plot.end();
  plot.legend([
    [look, `seed ${seed}`],
    ...(chosen.length > 1 ? [[`${look} faint`, "other seeds"]] : []),
  ]);
}

function drawSpread(plot, methods, tested, method) {
  const values = Object.values(tested).flat();
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = 0.06 * (high - low) || 0.01;
  plot.x.label = `test ${high > 1.5 ? "accuracy (%)" : "loss"}, stroke: median`;
  plot.begin([low - 7 * room, high + room], [-methods.length + 0.4, 0.6]);
  methods.forEach((name, i) => {
    const look = LOOKS[name] + (name === method ? "" : " faint");
    plot.dots(
      `${name} dots`,
      tested[name],
      tested[name].map(() => -i),
      look,
      4,
    );
    const middle = median(tested[name]);
    plot.line(`${name} median`, [middle, middle], [-i - 0.3, -i + 0.3], look);
    plot.text(`${name} text`, low - 6.9 * room, -i, name, { dy: 4 });
  });
  plot.end();
}

function words({ method, rate, best, seed, seeds, chosen, tested, methods }) {
  const run = chosen.find((one) => one.seed === seed);
  const loss = run.loss.at(-1);
  const ended = Number.isFinite(loss)
    ? `ends at a validation loss of ${number(loss)} after ${run.loss.length} epochs`
    : "diverged";
  const among =
    seeds.length > 1 ? `number ${seeds.indexOf(seed) + 1} of ${seeds.length}` : "the only one";
  const own = tested[method];
  const low = own[0];
  const high = own.at(-1);
  const [unit, told] = high > 1.5 ? [" %", (one) => one.toFixed(2)] : ["", (one) => number(one, 4)];
  const overlapping = methods.filter(
    (name) => name !== method && tested[name].at(-1) >= low && tested[name][0] <= high,
  );
  return (
    `${method} with the learning rate ${number(rate)}, seed ${seed}, ${among}, ${ended}. Its best rate is ${number(best[method])}; ` +
    `there ${own.length} tests lie between ${told(low)} and ${told(high)}${unit}` +
    (overlapping.length
      ? `, and overlap with those of ${overlapping.join(", ")}.`
      : ", and overlap with no other method's.")
  );
}
