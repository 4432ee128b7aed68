/* What a recipe of RMSprop is in one library, and what is left of it in another. */

import { FLAVORS, RMSprop } from "./optimizers.mjs";

export const SOURCES = [
  ["torch", "PyTorch"],
  ["tf1", "TensorFlow 1, timm"],
  ["keras", "Keras"],
  ["optax", "Optax"],
  ["hinton", "the lecture (Hinton)"],
  ["graves", "the paper (Graves)"],
];
export const TARGETS = {
  torch: "PyTorch",
  keras: "Keras",
  tf1: "TensorFlow 1",
  optax: "Optax",
  rmsprop: "this package",
};

const RATE = 0.01; // where a library has no default
const FREE = ["optax", "rmsprop"]; // can start v anywhere, put ε anywhere, and have what others lack

/** A library's defaults, under the names of the translator's controls. */
export function defaults(source) {
  const flavor = FLAVORS[source];
  return {
    learning_rate: flavor.learning_rate ?? RATE,
    rho: flavor.rho,
    epsilon: flavor.epsilon,
    momentum: flavor.momentum ?? 0,
    centered: flavor.centered ?? false,
    initial: flavor.initial_accumulator_value ?? 0,
    inside: flavor.epsilon_inside ?? true,
    nesterov: false,
    bias_correction: false,
  };
}

/** What cannot be chosen in a library: only Optax has these. */
export function fixed(source) {
  if (FREE.includes(source)) return {};
  const { initial, inside, nesterov, bias_correction } = defaults(source);
  return { initial, inside, nesterov, bias_correction };
}

/** The settings of the package that make a recipe as its library has it. */
export const asTyped = ({
  source,
  rho,
  epsilon,
  momentum,
  centered,
  initial,
  inside,
  nesterov,
  bias_correction,
}) => ({
  rho,
  epsilon,
  momentum,
  centered,
  nesterov: nesterov && momentum > 0,
  bias_correction,
  epsilon_inside: inside,
  learning_rate_inside: source !== "torch",
  initial_accumulator_value: initial,
});

/** A recipe in a library: the settings that come nearest, and in words what they are not. */
export function translate(recipe, target) {
  const original = asTyped(recipe);
  const settings = { ...original, learning_rate_inside: target !== "torch" };
  const notes = [];
  const same = recipe.source === target || target === "rmsprop";
  if (target === "rmsprop") return { settings: original, notes };
  if (!FREE.includes(target) && !same) {
    const has = fixed(target);
    settings.initial_accumulator_value = has.initial;
    notes.push(...start(has.initial, original));
    settings.epsilon_inside = has.inside;
    if (has.inside !== original.epsilon_inside && original.epsilon > 0) {
      settings.epsilon = Number(
        (has.inside ? original.epsilon ** 2 : Math.sqrt(original.epsilon)).toPrecision(3),
      );
      const why = has.inside ? "inside the root: its square" : "outside the root: its root";
      notes.push(
        `ε stands ${why}. Steps agree for large and small gradients, not near |g| = ${has.inside ? "ε" : "√ε"}.`,
      );
    }
    if (original.nesterov)
      notes.push("Nesterov's momentum is missing; plain momentum stands for it.");
    Object.assign(settings, { nesterov: false, bias_correction: false });
  }
  if (settings.epsilon === 0 && (settings.initial_accumulator_value === 0 || settings.rho === 0))
    notes.push("With ε = 0 a gradient of 0 is 0/0 where v is 0: take a tiny ε.");
  if (settings.centered)
    notes.push(
      `Where gradients hardly vary, v − m² can round below ${settings.epsilon_inside ? "−ε" : "0"}, and the parameter is then not a number. This package takes 0.`,
    );
  if (settings.centered && settings.bias_correction && settings.initial_accumulator_value === 0)
    notes.push(
      `The first v − m² is 0 but for rounding, and the first step about g/${settings.epsilon_inside ? "√ε" : "ε"} times η.`,
    );
  const moves = recipe.schedule !== "constant" && original.momentum > 0;
  if (moves && settings.learning_rate_inside !== original.learning_rate_inside)
    notes.push(
      settings.learning_rate_inside
        ? "The buffer holds steps multiplied with the old learning rate: a new one applies bit by bit."
        : "The buffer holds steps before the learning rate: a new one applies to all of it at once.",
    );
  return { settings, notes };
}

/** In words, what becomes of the start of v where it is `begins` and cannot be corrected. */
function start(begins, { initial_accumulator_value: wanted, bias_correction }) {
  if (begins === wanted && !bias_correction) return [];
  const cannot = [begins !== wanted && `at ${wanted}`, bias_correction && "be corrected"];
  const shorter = bias_correction ? "differ" : "are shorter"; // where it begins higher
  const way = begins > wanted ? shorter : "are longer";
  const missing = cannot.filter(Boolean).join(" or ");
  return [`v starts at ${begins}, and cannot ${missing}: the first steps ${way}.`];
}

const ROUNDING = 2 ** -23; // of single precision, which libraries compute in

/** The first step that a library, unlike this package, divides by 0, or by the root of a v − m² that
    may round below 0: its index and that in words. */
export function fails(settings, gradients) {
  const { rho, epsilon, centered, epsilon_inside, bias_correction } = settings;
  const guarded = new RMSprop(settings);
  for (const [i, g] of gradients.entries()) {
    guarded.step([0], [g], 1);
    const correction = bias_correction ? 1 - rho ** (i + 1) : 1;
    const [v, m] = [guarded.v[0] / correction, guarded.m[0] / correction];
    if (v === 0 && epsilon === 0) return [i, `0/0 at step ${i + 1}`];
    const left = v - m * m + (epsilon_inside ? epsilon : 0);
    if (v > 0 && centered && left <= ROUNDING * v)
      return [i, `left to rounding from step ${i + 1}`];
  }
  return [];
}

const call = (name, parts) => `${name}(\n    ${parts.join(",\n    ")},\n)`;
/** The arguments among these that have a value. */
const given = (names) =>
  Object.entries(names)
    .filter(([, value]) => value)
    .map(([name, value]) => `${name}=${value === true ? "True" : value}`);

/* The lines of each library: from its settings, what they share, the rate, and for how many steps it
   falls; 0 where it is constant. */
const LINES = {
  torch: ({ rho, epsilon }, shared, rate, steps) => {
    const first = ["model.parameters()", `lr=${rate}`, `alpha=${rho}`, `eps=${epsilon}`];
    const falling = [
      "",
      "scheduler = torch.optim.lr_scheduler.LinearLR(",
      `    optimizer, 1.0, 0.0, total_iters=${steps})`,
      "# scheduler.step() after each optimizer.step()",
    ];
    const made = `optimizer = ${call("torch.optim.RMSprop", [...first, ...shared])}`;
    return steps ? made + falling.join("\n") : made;
  },
  keras: ({ rho, epsilon }, shared, rate, steps) => {
    const falling = [
      "rate = keras.optimizers.schedules.PolynomialDecay(",
      `    ${rate}, ${steps}, end_learning_rate=0.0)`,
      "",
    ];
    const first = [`learning_rate=${steps ? "rate" : rate}`, `rho=${rho}`, `epsilon=${epsilon}`];
    const made = `optimizer = ${call("keras.optimizers.RMSprop", [...first, ...shared])}`;
    return steps ? falling.join("\n") + made : made;
  },
  tf1: ({ rho, epsilon }, shared, rate, steps) => {
    const falling = [
      "step = tf.compat.v1.train.get_or_create_global_step()",
      "rate = tf.compat.v1.train.polynomial_decay(",
      `    ${rate}, step, ${steps}, end_learning_rate=0.0)`,
      "",
    ];
    const first = [`learning_rate=${steps ? "rate" : rate}`, `decay=${rho}`, `epsilon=${epsilon}`];
    const method = "tf.compat.v1.train.RMSPropOptimizer";
    const made = `optimizer = ${call(method, [...first, ...shared])}`;
    const counting = "\n# optimizer.minimize(loss, global_step=step)";
    return steps ? falling.join("\n") + made + counting : made;
  },
  optax: (settings, shared, rate, steps) => {
    const falling = `rate = optax.linear_schedule(${rate}, 0.0, ${steps})\n`;
    const first = [
      `learning_rate=${steps ? "rate" : rate}`,
      `decay=${settings.rho}`,
      `eps=${settings.epsilon}`,
      ...(settings.epsilon_inside ? [] : ["eps_in_sqrt=False"]),
      ...given({ initial_scale: settings.initial_accumulator_value }),
    ];
    const { nesterov, bias_correction } = settings;
    const last = given({ nesterov, bias_correction });
    const made = `optimizer = ${call("optax.rmsprop", [...first, ...shared, ...last])}`;
    return steps ? falling + made : made;
  },
  rmsprop: (settings, shared, rate, steps) => {
    const { rho, epsilon, momentum, initial_accumulator_value, nesterov, bias_correction } =
      settings;
    const behind = !settings.learning_rate_inside && momentum > 0;
    return `optimizer = ${call("RMSprop", [
      steps ? `LinearDecay(${rate}, ${steps})` : `${rate}`,
      `rho=${rho}`,
      `epsilon=${epsilon}`,
      ...shared,
      ...(settings.epsilon_inside ? [] : ["epsilon_inside=False"]),
      ...(behind ? ["learning_rate_inside=False"] : []),
      ...given({ initial_accumulator_value, nesterov, bias_correction }),
    ])}`;
  },
};

/** The lines of code of a translated recipe. */
export function code(target, settings, { learning_rate, schedule, gradients }) {
  const { momentum, centered } = settings;
  const steps = schedule === "linear" ? gradients.length : 0;
  return LINES[target](settings, given({ momentum, centered }), learning_rate, steps);
}
