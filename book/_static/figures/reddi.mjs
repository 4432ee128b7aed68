/* Reddi's example: a map of where RMSprop ends, in ρ and C, and the run of one point of it. */

import { even, geometric, slider } from "./controls.mjs";
import { number } from "./format.mjs";
import { RMSprop, SCHEDULES, minimize } from "./optimizers.mjs";
import { Reddi, drift } from "./problems.mjs";

const C = [2.05, 10];
const RHO = [0, 0.99];
const CELLS = 36; // of the map, along each side

export const controls = [
  slider("c", "C, the rare large gradient", even(2.05, 10, 0.05)),
  slider("rho", "ρ", even(0, 0.99, 0.01)),
  slider("eta", "η of η/√t", geometric(0.05, 1)),
  slider("steps", "steps", [300, 1000, 3000, 10000]),
];

/** The run of a point: Reddi's problem, η/√t, ε = 0. */
export const run = ({ c, rho, eta, steps }) =>
  minimize(new Reddi({ c }), new RMSprop({ rho, epsilon: 0 }), SCHEDULES.root(eta), steps);

/** The ρ at which the drift vanishes, by halving. */
function border(c) {
  let [low, high] = RHO;
  if (drift(low, c).d > 0) return low;
  for (let i = 0; i < 30; i++) {
    const middle = (low + high) / 2;
    if (drift(middle, c).d < 0) low = middle;
    else high = middle;
  }
  return high;
}

const BORDER = even(C[0], C[1], 0.05).map((c) => [c, border(c)]);
const middles = ([low, high]) =>
  Array.from({ length: CELLS }, (_, i) => low + ((i + 0.5) / CELLS) * (high - low));
const within = (value, [low, high], step) =>
  Number(Math.min(Math.max(low + Math.round((value - low) / step) * step, low), high).toFixed(2));

export function build({ plot, change, state: now }) {
  const map = plot({
    label: "Map: where RMSprop ends, over C and ρ",
    x: { label: "C" },
    y: { label: "ρ" },
    ratio: 0.9,
  });
  const path = plot({
    label: "θ against step",
    x: { label: "step", log: true },
    y: { label: "θ" },
    ratio: 0.9,
  });
  map.legend([
    ["worst-sample", "ends at +1, the worst"],
    ["best-sample", "at −1, the best"],
    ["between-sample", "between them"],
    ["border", "D(ρ, C) = 0"],
  ]);
  path.legend([["rmsprop", "θ of the chosen point"]]);

  // The map is that of its settings; it is made a few rows a frame, so that sliders stay quick.
  let made = {};
  let drawnMap; // its many cells stay as they are while only the point moves
  function makeMap({ eta, steps }) {
    const name = `${eta} ${steps}`;
    if (made.name === name) return;
    const mine = { name, cells: { worst: [], between: [], best: [] } };
    made = mine;
    const [width, height] = [(C[1] - C[0]) / CELLS, (RHO[1] - RHO[0]) / CELLS];
    const rows = middles(RHO);
    const row = () => {
      if (made !== mine || !rows.length) return;
      const rho = rows.pop();
      for (const c of middles(C)) {
        const end = run({ c, rho, eta, steps: Math.min(steps, 3000) }).points.at(-1)[0];
        const cell = [c - width / 2, c + width / 2, rho - height / 2, rho + height / 2];
        mine.cells[end > 0.99 ? "worst" : end > -0.99 ? "between" : "best"].push(cell);
      }
      if (rows.length % 6 === 0) drawMap(now);
      setTimeout(row);
    };
    setTimeout(row);
  }

  function drawMap(state) {
    map.begin(C, RHO);
    const cells = Object.entries(made.cells);
    const picture = `${made.name} ${cells.map(([, all]) => all.length)} ${map.width}`;
    for (const [look, all] of cells)
      if (picture === drawnMap) map.keep(look);
      else map.cells(look, all, look);
    drawnMap = picture;
    map.line(
      "border",
      BORDER.map(([c]) => c),
      BORDER.map(([, rho]) => rho),
      "border",
    );
    const move = (c, rho) => change({ c: within(c, C, 0.05), rho: within(rho, RHO, 0.01) });
    map.grasp("grasp", move);
    map.handle("point", state.c, state.rho, {
      label: "Point of the map: left and right change C, up and down ρ",
      now: state.rho,
      text: `C ${state.c}, ρ ${state.rho}`,
      moved: move,
      keys: (dx, dy) => move(state.c + 0.05 * dx, state.rho + 0.01 * dy),
    });
    map.end();
  }

  return (state) => {
    makeMap(state);
    drawMap(state);
    const { points } = run(state);
    path.begin([1, state.steps], [-1.1, 1.1]);
    path.level("worst", 1, "axis");
    path.level("best", -1, "axis");
    const times = points
      .map((_, t) => t)
      .filter((t) => t > 0 && (t < 300 || t % Math.ceil(state.steps / 600) === 0));
    path.line(
      "theta",
      times,
      times.map((t) => points[t][0]),
      "rmsprop",
    );
    path.text("worst text", 1, 1, "worst point", { dx: 6, dy: 16 });
    path.text("best text", 1, -1, "best point", { dx: 6, dy: -7 });
    path.end();

    const {
      d,
      steps: [left, ...right],
    } = drift(state.rho, state.c);
    const end = points.at(-1)[0];
    const way =
      d > 0
        ? "to the left, towards −1, the best point"
        : "to the right, towards +1, the worst point";
    return (
      `C = ${state.c}, ρ = ${state.rho}: in a round RMSprop steps ${number(-left)} η to the left, then ${number(right[0])} η and ${number(right[1])} η to the right. ` +
      `The sum, D = ${number(d, 2)}, leads ${way}. After ${state.steps} steps θ is ${number(end)}.`
    );
  };
}
