/* The methods of the figures, operation for operation as in src/rmsprop/optimizers.py.

   A method is made with the names that its settings have there. `step` changes θ, an array of
   numbers, in place; η comes with each step, because a schedule may change it.
   tests/pages/test_moving.py compares the paths with the package's. */

const SMALLEST = 2.2250738585072014e-308; // the smallest normal double: it stands for ε = 0
const LARGEST = Math.sqrt(Number.MAX_VALUE / 4); // the largest gradient that is squared

const above = (epsilon, inside) => Math.max(epsilon, inside ? SMALLEST : Math.sqrt(SMALLEST));
const zeros = (theta) => theta.map(() => 0);

/** Return √(v + ε) if ε stands inside, else √v + ε. */
export const root = (v, epsilon, inside) =>
  inside ? Math.sqrt(v + above(epsilon, inside)) : Math.sqrt(v) + above(epsilon, inside);

/** b ← μ b + step; return b or, looking ahead as Nesterov, μ b + step. */
function heavyBall(velocity, i, step, momentum, nesterov) {
  velocity[i] = velocity[i] * momentum + step;
  return nesterov ? momentum * velocity[i] + step : velocity[i];
}

export class SGD {
  constructor({ momentum = 0, nesterov = false } = {}) {
    Object.assign(this, { momentum, nesterov });
  }

  takes = (g) => Number.isFinite(g);

  step(theta, g, lr) {
    this.velocity ??= zeros(theta);
    for (let i = 0; i < theta.length; i++) {
      theta[i] -= heavyBall(this.velocity, i, lr * g[i], this.momentum, this.nesterov);
    }
  }
}

export class RMSprop {
  constructor(settings = {}) {
    Object.assign(
      this,
      {
        rho: 0.9,
        momentum: 0,
        epsilon: 1e-7,
        centered: false,
        nesterov: false,
        epsilon_inside: true,
        learning_rate_inside: true,
        initial_accumulator_value: 0,
        bias_correction: false,
      },
      settings,
      { t: 0 },
    );
  }

  takes = (g) => Math.abs(g) <= LARGEST;

  step(theta, g, lr) {
    const { rho, momentum, epsilon, nesterov } = this;
    const take = 1 - rho;
    this.t += 1;
    this.v ??= theta.map(() => this.initial_accumulator_value);
    this.m ??= zeros(theta);
    this.velocity ??= zeros(theta);
    const correction = this.bias_correction ? 1 - rho ** this.t : 1;
    for (let i = 0; i < theta.length; i++) {
      this.v[i] = this.v[i] * rho + g[i] * g[i] * take;
      let v = this.v[i] / correction;
      if (this.centered) {
        this.m[i] = this.m[i] * rho + take * g[i];
        const mean = this.m[i] / correction;
        v = Math.max(v - mean * mean, 0);
      }
      const unit = g[i] / root(v, epsilon, this.epsilon_inside);
      if (!momentum) theta[i] -= unit * lr;
      else if (this.learning_rate_inside)
        theta[i] -= heavyBall(this.velocity, i, unit * lr, momentum, nesterov);
      else theta[i] -= lr * heavyBall(this.velocity, i, unit, momentum, nesterov);
    }
  }
}

/* What Adam and Nadam share. */
class AdamLike {
  constructor(settings = {}) {
    Object.assign(this, { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }, settings, { t: 0 });
  }

  takes = (g) => Math.abs(g) <= LARGEST;

  /** Update the averages of g and of g². */
  average(theta, g) {
    this.t += 1;
    this.m ??= zeros(theta);
    this.v ??= zeros(theta);
    for (let i = 0; i < theta.length; i++) {
      this.m[i] = this.m[i] * this.beta_1 + (1 - this.beta_1) * g[i];
      this.v[i] = this.v[i] * this.beta_2 + g[i] * g[i] * (1 - this.beta_2);
    }
    return 1 - this.beta_2 ** this.t;
  }
}

export class Adam extends AdamLike {
  step(theta, g, lr) {
    const correction2 = this.average(theta, g);
    const rate = lr / (1 - this.beta_1 ** this.t);
    let epsilon = above(this.epsilon, false);
    if (this.epsilon_hat) epsilon /= Math.sqrt(correction2);
    for (let i = 0; i < theta.length; i++) {
      theta[i] -= (this.m[i] / (Math.sqrt(this.v[i] / correction2) + epsilon)) * rate;
    }
  }
}

export class Nadam extends AdamLike {
  product = 1;

  step(theta, g, lr) {
    const correction2 = this.average(theta, g);
    const { t, momentum_decay: decay = 0.004 } = this;
    const momentum = (t) => this.beta_1 * (1 - 0.5 * 0.96 ** (decay * t));
    this.product *= momentum(t);
    const ofM = momentum(t + 1) / (1 - this.product * momentum(t + 1));
    const ofG = (1 - momentum(t)) / (1 - this.product);
    const epsilon = above(this.epsilon, false);
    for (let i = 0; i < theta.length; i++) {
      const step = ofM * this.m[i] + ofG * g[i];
      theta[i] -= (step / (Math.sqrt(this.v[i] / correction2) + epsilon)) * lr;
    }
  }
}

/* RMSprop as a library or a paper has it: FLAVORS of the package, which a test compares. */
export const FLAVORS = {
  hinton: { rho: 0.9, epsilon: 0 },
  graves: { learning_rate: 1e-4, rho: 0.95, momentum: 0.9, epsilon: 1e-4, centered: true },
  tf1: { rho: 0.9, epsilon: 1e-10, initial_accumulator_value: 1 },
  keras: { learning_rate: 0.001, rho: 0.9, epsilon: 1e-7 },
  torch: {
    learning_rate: 0.01,
    rho: 0.99,
    epsilon: 1e-8,
    epsilon_inside: false,
    learning_rate_inside: false,
  },
  optax: { rho: 0.9, epsilon: 1e-8 },
};

/* Learning rates by the step t = 0, 1, …, as in src/rmsprop/schedules.py. */
export const SCHEDULES = {
  constant: (rate) => () => rate,
  linear: (rate, steps) => (t) => {
    const left = 1 - Math.min(t / steps, 1);
    return left * rate + (1 - left) * 0;
  },
  cosine: (rate, steps) => (t) => rate * ((1 + Math.cos(Math.PI * Math.min(t / steps, 1))) / 2),
  stairs: (rate, steps) => (t) => rate * 0.5 ** Math.floor(t / (steps / 5)),
  inverse: (rate) => (t) => rate / (1 + t / 10),
  root: (rate) => (t) => rate / Math.sqrt(t + 1),
};

/** Take steps down a problem; return points, losses, and whether the run diverged. */
export function minimize(problem, optimizer, schedule, steps, start = problem.start) {
  const theta = [...start];
  const points = [];
  const losses = [];
  for (let t = 0; ; t++) {
    const loss = problem.loss(theta);
    const g = problem.gradient(theta, t);
    points.push([...theta]);
    losses.push(loss);
    if (!(Number.isFinite(loss) && theta.every(Number.isFinite) && g.every(optimizer.takes)))
      return { points, losses, diverged: true };
    if (t === steps) return { points, losses, diverged: false };
    optimizer.step(theta, g, schedule(t));
    problem.project?.(theta);
  }
}

/** Feed a history of gradients to a method; return where each step leads one parameter. */
export function walk(optimizer, gradients, schedule, start = 1) {
  const theta = [start];
  return gradients.map((g, t) => {
    optimizer.step(theta, [g], schedule(t));
    return theta[0];
  });
}
