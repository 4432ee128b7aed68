/* What a recipe of RMSprop is in one library, and what is left of it in another. */

import { FLAVORS } from "./optimizers.mjs";

export const SOURCES = [
  ["torch", "PyTorch"], ["tf1", "TensorFlow 1, timm"], ["keras", "Keras"], ["optax", "optax"],
  ["hinton", "the lecture (Hinton)"], ["graves", "the paper (Graves)"],
];
export const TARGETS = { torch: "PyTorch", keras: "Keras", tf1: "TensorFlow 1", optax: "optax", rmsprop: "this package" };

const RATE = 0.01; // where a library has no default
const FREE = ["optax", "rmsprop"]; // can start v anywhere, put ε anywhere, and have what others lack

/** A library's defaults, under the names of the translator's controls. */
export function defaults(source) {
  const flavor = FLAVORS[source];
  return {
    learning_rate: flavor.learning_rate ?? RATE, rho: flavor.rho, epsilon: flavor.epsilon,
    momentum: flavor.momentum ?? 0, centered: flavor.centered ?? false,
    initial: flavor.initial_accumulator_value ?? 0, inside: flavor.epsilon_inside ?? true,
    nesterov: false, bias_correction: false,
  };
}

/** What cannot be chosen in a library: only optax has these. */
export function fixed(source) {
  if (FREE.includes(source)) return {};
  const { initial, inside, nesterov, bias_correction } = defaults(source);
  return { initial, inside, nesterov, bias_correction };
}

/** The settings of the package that make a recipe as its library has it. */
export const asTyped = ({ source, rho, epsilon, momentum, centered, initial, inside, nesterov, bias_correction }) => ({
  rho, epsilon, momentum, centered, nesterov: nesterov && momentum > 0, bias_correction,
  epsilon_inside: inside, learning_rate_inside: source !== "torch", initial_accumulator_value: initial,
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
    if (has.initial !== original.initial_accumulator_value) {
      const way = has.initial > original.initial_accumulator_value ? "shorter" : "longer";
      notes.push(`v starts at ${has.initial}, and cannot at ${original.initial_accumulator_value}: the first steps are ${way}.`);
    }
    settings.epsilon_inside = has.inside;
    if (has.inside !== original.epsilon_inside && original.epsilon > 0) {
      settings.epsilon = Number((has.inside ? original.epsilon ** 2 : Math.sqrt(original.epsilon)).toPrecision(3));
      const why = has.inside ? "inside the root: its square" : "outside the root: its root";
      notes.push(`ε stands ${why}. Steps agree for large and small gradients, not near |g| = ${has.inside ? "ε" : "√ε"}.`);
    }
    if (original.nesterov) notes.push("Nesterov's momentum is missing; plain momentum stands for it.");
    if (original.bias_correction) notes.push("The start cannot be corrected: the first steps are longer.");
    Object.assign(settings, { nesterov: false, bias_correction: false });
  }
  const moves = recipe.schedule !== "constant" && original.momentum > 0;
  if (moves && settings.learning_rate_inside !== original.learning_rate_inside)
    notes.push(settings.learning_rate_inside
      ? "The buffer holds steps multiplied with the old learning rate: a new one applies bit by bit."
      : "The buffer holds steps before the learning rate: a new one applies to all of it at once.");
  return { settings, notes };
}

const flag = (name, value) => (value ? [`${name}=True`] : []);
const call = (name, parts) => `${name}(\n    ${parts.join(",\n    ")},\n)`;

/** The lines of code of a translated recipe. */
export function code(target, settings, { learning_rate: rate, schedule, gradients }) {
  const { rho, epsilon, momentum, centered } = settings;
  const falls = schedule === "linear";
  const steps = gradients.length;
  const use = falls ? "rate" : rate;
  const common = [...(momentum ? [`momentum=${momentum}`] : []), ...flag("centered", centered)];
  if (target === "torch") {
    const made = `optimizer = ${call("torch.optim.RMSprop", ["model.parameters()", `lr=${rate}`, `alpha=${rho}`, `eps=${epsilon}`, ...common])}`;
    return falls ? `${made}\nscheduler = torch.optim.lr_scheduler.LinearLR(\n    optimizer, 1.0, 0.0, total_iters=${steps})` : made;
  }
  if (target === "keras") {
    const lines = falls ? `rate = keras.optimizers.schedules.PolynomialDecay(\n    ${rate}, ${steps}, end_learning_rate=0.0)\n` : "";
    return lines + `optimizer = ${call("keras.optimizers.RMSprop", [`learning_rate=${use}`, `rho=${rho}`, `epsilon=${epsilon}`, ...common])}`;
  }
  if (target === "tf1") {
    const lines = falls ? `rate = tf.compat.v1.train.polynomial_decay(\n    ${rate}, step, ${steps}, end_learning_rate=0.0)\n` : "";
    return lines + `optimizer = ${call("tf.compat.v1.train.RMSPropOptimizer", [`learning_rate=${use}`, `decay=${rho}`, `epsilon=${epsilon}`, ...common])}`;
  }
  const v = settings.initial_accumulator_value;
  const more = [...flag("nesterov", settings.nesterov), ...flag("bias_correction", settings.bias_correction)];
  if (target === "optax") {
    const lines = falls ? `rate = optax.linear_schedule(${rate}, 0.0, ${steps})\n` : "";
    const place = settings.epsilon_inside ? [] : ["eps_in_sqrt=False"];
    const start = v ? [`initial_scale=${v}`] : [];
    return lines + `optimizer = ${call("optax.rmsprop", [`learning_rate=${use}`, `decay=${rho}`, `eps=${epsilon}`, ...place, ...start, ...common, ...more])}`;
  }
  const places = [
    ...(settings.epsilon_inside ? [] : ["epsilon_inside=False"]),
    ...(settings.learning_rate_inside || !momentum ? [] : ["learning_rate_inside=False"]),
    ...(v ? [`initial_accumulator_value=${v}`] : []),
  ];
  const eta = falls ? `LinearDecay(${rate}, ${steps})` : `${rate}`;
  return `optimizer = ${call("RMSprop", [eta, `rho=${rho}`, `epsilon=${epsilon}`, ...common, ...places, ...more])}`;
}
