/* Gradients as bars that can be dragged; a knob on one of them takes the arrow keys. */

/** Draw the bars into a plot that has begun; `change` hears of the gradient that was moved.

    `largest` is the size to which a bar can be dragged, `unit` that of a key's step. */
export function bars(plot, { gradients, step }, [low, high], change, { largest, unit }) {
  const count = gradients.length;
  const chosen = Math.min(step, count);
  const put = (i, g) => {
    const size = Math.min(Math.max(g, -largest), largest);
    const rounded = Number((Math.round((size * 10) / unit) * (unit / 10)).toPrecision(6));
    change({ step: i, gradients: gradients.map((old, j) => (j === i - 1 ? rounded : old)) });
  };
  gradients.forEach((g, i) => {
    const look = i + 1 === chosen ? "bar chosen" : "bar";
    const ends = [Math.max(Math.min(g, 0), low), Math.min(Math.max(g, 0), high)];
    plot.rectangle(`bar ${i}`, [i + 0.7, i + 1.3], ends, look);
  });
  plot.line("zero", [0, count + 1], [0, 0], "axis");
  plot.grasp("grasp", (x, y) => put(Math.min(Math.max(Math.round(x), 1), count), y));
  plot.handle("handle", chosen, gradients[chosen - 1], {
    label: "Gradient: left and right choose the step, up and down its size",
    now: chosen,
    text: `step ${chosen}: ${gradients[chosen - 1]}`,
    moved: (x, y) => put(chosen, y),
    keys: (dx, dy) =>
      dx
        ? change({ step: Math.min(Math.max(chosen + dx, 1), count) })
        : put(chosen, gradients[chosen - 1] + dy * unit),
  });
}
