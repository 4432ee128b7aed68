/* NumPy's normal numbers: np.random.default_rng((seed, t)).standard_normal(), digit for digit.

   So that the noise of a figure is the noise of `rmsprop.problems.Noisy`. Three parts, as NumPy
   has them: SeedSequence (O'Neill 2015) stirs the seeds, PCG64 (O'Neill 2014) makes whole numbers,
   a ziggurat (Marsaglia and Tsang 2000) makes them normal. */

const mul = Math.imul;
const DOUBLE_WORD = 0xffffffffffffffffn;
const QUAD_WORD = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** Return 8 words of 32 bits from a few small whole numbers. */
function seedSequence(entropy) {
  let constant = 0x43b0d7e5;
  const hash = (value) => {
    value ^= constant;
    constant = mul(constant, 0x931e8875);
    value = mul(value, constant);
    return (value ^ (value >>> 16)) >>> 0;
  };
  const mix = (x, y) => {
    const result = mul(x, 0xca01f9dd) - mul(y, 0x4973f715);
    return (result ^ (result >>> 16)) >>> 0;
  };
  const pool = [0, 1, 2, 3].map((i) => hash(entropy[i] ?? 0));
  for (let from = 0; from < 4; from++)
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  constant = 0x8b51f9dd;
  return Array.from({ length: 8 }, (_, i) => {
    let value = pool[i % 4] ^ constant;
    constant = mul(constant, 0x58f38ded);
    value = mul(value, constant);
    return (value ^ (value >>> 16)) >>> 0;
  });
}

/** Return a function that returns 64 random bits at each call. */
function pcg64(words) {
  const [high, low, incHigh, incLow] = [0, 2, 4, 6].map(
    (i) => BigInt(words[i]) | (BigInt(words[i + 1]) << 32n),
  );
  const increment = ((((incHigh << 64n) | incLow) << 1n) | 1n) & QUAD_WORD;
  const next = (state) => (state * MULTIPLIER + increment) & QUAD_WORD;
  let state = next((increment + ((high << 64n) | low)) & QUAD_WORD);
  return () => {
    state = next(state);
    const mixed = (state >> 64n) ^ (state & DOUBLE_WORD);
    const turn = state >> 122n;
    return ((mixed >> turn) | (mixed << (64n - turn))) & DOUBLE_WORD;
  };
}

/* The layers of the ziggurat: k, w and f of the paper, for 52 bits. */
const EDGE = 3.6541528853610088;
const { k, w, f } = (() => {
  const area = 0.004928673233974658; // of a layer
  const unit = 2 ** 52;
  const layers = { k: [], w: [], f: [] };
  const density = (x) => Math.exp(-0.5 * x * x);
  const base = area / density(EDGE);
  layers.k[0] = (EDGE / base) * unit;
  layers.k[1] = 0;
  [layers.w[0], layers.w[255]] = [base / unit, EDGE / unit];
  [layers.f[0], layers.f[255]] = [1, density(EDGE)];
  for (let i = 254, x = EDGE; i >= 1; i--) {
    const above = Math.sqrt(-2 * Math.log(area / x + density(x)));
    layers.k[i + 1] = (above / x) * unit;
    layers.w[i] = above / unit;
    layers.f[i] = density(above);
    x = above;
  }
  return layers;
})();

function normal(bits) {
  const uniform = () => Number(bits() >> 11n) / 2 ** 53;
  for (;;) {
    const random = bits();
    const layer = Number(random & 0xffn);
    const size = Number((random >> 9n) & 0xfffffffffffffn);
    const x = (random & 0x100n ? -size : size) * w[layer];
    if (size < k[layer]) return x;
    if (layer > 0) {
      if ((f[layer - 1] - f[layer]) * uniform() + f[layer] < Math.exp(-0.5 * x * x)) return x;
      continue;
    }
    for (;;) {
      const beyond = -Math.log1p(-uniform()) / EDGE;
      const height = -Math.log1p(-uniform());
      if (2 * height > beyond * beyond)
        return (random >> 17n) & 1n ? -(EDGE + beyond) : EDGE + beyond;
    }
  }
}

const known = new Map(); // a slider that moves asks for the same noise again

/** Return the `count` normal numbers that NumPy draws from the generator seeded (seed, t). */
export function normals(seed, t, count) {
  const name = `${seed},${t},${count}`;
  if (!known.has(name)) {
    const bits = pcg64(seedSequence([seed, t]));
    known.set(
      name,
      Array.from({ length: count }, () => normal(bits)),
    );
  }
  return known.get(name);
}
