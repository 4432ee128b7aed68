/* The problems of the figures, as in src/rmsprop/problems.py. */

import { normals } from "./noise.mjs";

/** A ravine: curvatures 1 along and κ across, turned by an angle in degrees. */
export class Ravine {
  constructor({ kappa, angle = 0, noise = 0, seed = 0, start = [2, 1] }) {
    const radians = (angle * Math.PI) / 180;
    const [c, s] = [Math.cos(radians), Math.sin(radians)];
    Object.assign(this, {
      curvatures: [1, kappa],
      rotation: [
        [c, -s],
        [s, c],
      ],
      noise,
      seed,
    });
    this.start = this.rotation.map(([a, b]) => a * start[0] + b * start[1]);
  }

  /** θ in the directions of the curvatures. */
  along(theta) {
    const [[a, b], [c, d]] = this.rotation;
    return [theta[0] * a + theta[1] * c, theta[0] * b + theta[1] * d];
  }

  loss(theta) {
    const [x, y] = this.along(theta);
    return 0.5 * (this.curvatures[0] * x * x + this.curvatures[1] * (y * y));
  }

  gradient(theta, t) {
    const z = this.along(theta).map((value, i) => this.curvatures[i] * value);
    const g = this.rotation.map(([a, b]) => z[0] * a + z[1] * b);
    if (!this.noise) return g;
    const xi = normals(this.seed, t, 2);
    return g.map((value, i) => value + this.noise * xi[i]);
  }
}

/** Reddi's example: the slope C once in three steps, −1 in the others, on [−1, 1]. */
export class Reddi {
  start = [0];

  constructor({ c }) {
    this.c = c;
  }

  loss(theta) {
    return ((this.c - 2) / 3) * theta[0];
  }

  gradient(theta, t) {
    return [t % 3 ? -1 : this.c];
  }

  project(theta) {
    theta[0] = Math.min(Math.max(theta[0], -1), 1);
  }
}

/** Theorem 5: in a round of three steps θ moves by −η D. Return D and its three steps. */
export function drift(rho, c) {
  const scale = Math.sqrt(1 + rho + rho * rho);
  const steps = [
    (-c * scale) / Math.sqrt(c * c + rho + rho * rho),
    scale / Math.sqrt(1 + rho * c * c + rho * rho),
    scale / Math.sqrt(1 + rho + rho * rho * c * c),
  ];
  return { steps, d: -(steps[0] + steps[1] + steps[2]) };
}
