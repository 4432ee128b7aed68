/* Numbers and code as a reader sees them. */

const DIGITS = {
  "-": "⁻",
  0: "⁰",
  1: "¹",
  2: "²",
  3: "³",
  4: "⁴",
  5: "⁵",
  6: "⁶",
  7: "⁷",
  8: "⁸",
  9: "⁹",
};

/** Return 10 to a whole power, with the power raised. */
export const powerOfTen = (power) =>
  `10${[...String(power)].map((digit) => DIGITS[digit]).join("")}`;

/** Return a number with three digits: 0.0325, 14.5, 1.2·10⁻⁹. */
export function number(value, digits = 3) {
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return "infinite";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e5)
    return String(Number(value.toPrecision(digits))).replace("-", "−");
  const [mantissa, power] = value.toExponential(digits - 2).split("e");
  const factor = Number(mantissa);
  return (factor === 1 ? "" : `${factor}·`).replace("-", "−") + powerOfTen(Number(power));
}

/** Return a share as a percentage. */
export const percent = (share) => `${number(100 * share, 2)} %`;

/** Return a setting as Python writes it, in lines that `begin` so. */
export function python(value, begin = "") {
  const within = `${begin}    `;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) {
    const listed = value.map((one) => `${python(one)},`).join(" ");
    const rows = listed.match(/\S.{0,74}(?=\s|$)/g); // of 79 characters with what they begin with
    return `[\n${within}${rows.join(`\n${within}`)}\n${begin}]`;
  }
  if (typeof value === "object") {
    const rows = Object.entries(value).map(
      ([key, one]) => `${within}"${key}": ${python(one, within)},\n`,
    );
    return `{\n${rows.join("")}${begin}}`;
  }
  return typeof value === "string" ? `"${value}"` : String(value);
}

/** Return the middle one of some numbers. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
