/* A plot in SVG: axes, lines, areas, handles to drag.

   Drawn by hand rather than with a library. Half of what the figures show are paths in a plane with
   equal axes, level lines, a map and things to drag, which the small libraries for curves do not
   have; and as elements of the page the lines take their colours from the style sheet, in light, in
   dark and in print. A plot says what it shows anew at each draw; what it does not name again goes. */

import { number, powerOfTen } from "./format.mjs";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { left: 52, right: 12, top: 10, bottom: 40 };
/* Marks on lines: where one begins from its middle, and its outline from there. */
const MARKS = {
  circle: [-4, 0, "a4 4 0 1 0 8 0a4 4 0 1 0 -8 0"],
  square: [-3.5, -3.5, "h7v7h-7z"],
  up: [0, -5, "l4.5 8.5h-9z"],
  diamond: [0, -5, "l5 5l-5 5l-5 -5z"],
  down: [0, 5, "l4.5 -8.5h-9z"],
};
let plots = 0;

/** Return the outline of a mark round a point. */
function mark(shape, x, y) {
  const [dx, dy, outline] = MARKS[shape];
  return `M${(x + dx).toFixed(1)} ${(y + dy).toFixed(1)}${outline}`;
}

function ticks([low, high], log, room) {
  if (log && high > 5 * low) {
    const [first, last] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
    const step = Math.max(1, Math.ceil((last - first + 1) / room));
    const all = Array.from({ length: last - first + 3 }, (_, i) => first - 1 + i);
    const powers = all.filter((power) => power % step === 0);
    const digits = last - first > 1 ? [1] : [1, 2, 5]; // a short axis needs more than powers of ten
    return powers
      .flatMap((power) => digits.map((digit) => Number(`${digit}e${power}`)))
      .filter((value) => value > low * 0.999 && value < high * 1.001);
  }
  const rough = (high - low) / room;
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = decade * [1, 2, 5, 10].find((factor) => factor * decade >= rough);
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function tickText(value, log) {
  const power = Math.round(Math.log10(value));
  return log && Math.abs(power) > 2 && value === Number(`1e${power}`)
    ? powerOfTen(power)
    : number(value);
}

export class Plot {
  /** `ratio` is height by width, `height` a fixed height in pixels instead. */
  constructor(parent, { label, x, y, height, ratio, wide = false }) {
    Object.assign(this, { x, y, height, ratio });
    this.elements = new Map();
    this.place = parent.appendChild(document.createElement("div"));
    this.place.className = wide ? "moving-plot wide" : "moving-plot";
    this.list = this.place.appendChild(document.createElement("ul"));
    this.list.className = "moving-legend";
    this.svg = this.place.appendChild(document.createElementNS(SVG, "svg"));
    this.svg.setAttribute("role", "group");
    this.svg.setAttribute("aria-label", label);
    const clip = `moving-clip-${plots++}`;
    this.axes = this.#group({ class: "moving-axes", "aria-hidden": "true" });
    const definition = this.svg.appendChild(document.createElementNS(SVG, "clipPath"));
    definition.id = clip;
    this.clip = definition.appendChild(document.createElementNS(SVG, "rect"));
    this.inside = this.#group({ "clip-path": `url(#${clip})`, "aria-hidden": "true" });
    this.above = this.#group({});
    this.measure();
  }

  #group(attributes) {
    const group = this.svg.appendChild(document.createElementNS(SVG, "g"));
    for (const [name, value] of Object.entries(attributes)) group.setAttribute(name, value);
    return group;
  }

  /** Take over the width that the page gives. */
  measure() {
    this.width = Math.max(this.place.clientWidth, 200);
    const wide = this.width - MARGIN.left - MARGIN.right;
    const tall = this.ratio ? wide * this.ratio : this.height - MARGIN.top - MARGIN.bottom;
    this.box = { left: MARGIN.left, top: MARGIN.top, width: wide, height: tall };
    const height = tall + MARGIN.top + MARGIN.bottom;
    set(this.svg, { viewBox: `0 0 ${this.width} ${height}`, width: this.width, height });
    set(this.clip, { x: MARGIN.left, y: MARGIN.top, width: wide, height: tall });
    this.drawnAxes = null;
  }

  /** Begin a drawing, with these ends of the axes. */
  begin(xEnds, yEnds) {
    const { left, top, width, height } = this.box;
    const scale = ({ log }, [low, high], start, length) => {
      const of = log ? (value) => Math.log10(Math.max(value, 1e-320)) : (value) => value;
      const [a, b] = [of(low), of(high)];
      const to = (value) => start + ((of(value) - a) / (b - a)) * length;
      to.back = (place) => {
        const value = a + ((place - start) / length) * (b - a);
        return log ? 10 ** value : value;
      };
      return to;
    };
    this.toX = scale(this.x, xEnds, left, width);
    this.toY = scale(this.y, yEnds, top + height, -height);
    this.named = new Set();
    const axes = JSON.stringify([xEnds, yEnds, this.x.label, this.y.label]);
    if (axes !== this.drawnAxes) this.#drawAxes(xEnds, yEnds);
    this.drawnAxes = axes;
  }

  #drawAxes(xEnds, yEnds) {
    const { left, top, width, height } = this.box;
    const [right, bottom] = [left + width, top + height];
    const parts = [];
    for (const value of ticks(xEnds, this.x.log, width / 60)) {
      const x = this.toX(value);
      parts.push(`<path class="grid" d="M${x} ${top}V${bottom}"/>`);
      parts.push(
        `<text x="${x}" y="${bottom + 16}" text-anchor="middle">${tickText(value, this.x.log)}</text>`,
      );
    }
    for (const value of this.y.ticks === false ? [] : ticks(yEnds, this.y.log, height / 34)) {
      const y = this.toY(value);
      parts.push(`<path class="grid" d="M${left} ${y}H${right}"/>`);
      parts.push(
        `<text x="${left - 6}" y="${y + 4}" text-anchor="end">${tickText(value, this.y.log)}</text>`,
      );
    }
    parts.push(`<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>`);
    parts.push(
      `<text class="name" x="${(left + right) / 2}" y="${bottom + 34}" text-anchor="middle">${this.x.label}</text>`,
    );
    const middle = (top + bottom) / 2;
    parts.push(
      `<text class="name" transform="translate(12 ${middle}) rotate(-90)" text-anchor="middle">${this.y.label}</text>`,
    );
    this.axes.innerHTML = parts.join("");
  }

  /** Return the element of that name, new or from the last drawing. */
  #element(key, tag, parent = this.inside) {
    this.named.add(key);
    let element = this.elements.get(key);
    if (!element) {
      element = parent.appendChild(document.createElementNS(SVG, tag));
      this.elements.set(key, element);
    }
    return element;
  }

  /** Draw a line through points; where a number is not finite the line ends. */
  line(key, xs, ys, look) {
    const tenths = (place) => Math.round(10 * Math.min(Math.max(place, -1e4), 1e4)) / 10;
    let path = "";
    for (let i = 0; i < ys.length; i++) {
      const [x, y] = [this.toX(xs[i]), this.toY(ys[i])];
      if (!(Number.isFinite(x) && Number.isFinite(y))) break;
      path += `${i ? "L" : "M"}${tenths(x)} ${tenths(y)}`;
    }
    set(this.#element(key, "path"), { d: path, class: `line ${look}` });
  }

  /** Draw a level line across the plot. */
  level(key, value, look) {
    const d = `M${this.box.left} ${this.toY(value)}h${this.box.width}`;
    set(this.#element(key, "path"), { d, class: `line ${look}` });
  }

  rectangle(key, [x0, x1], [y0, y1], look) {
    const [left, right] = [this.toX(x0), this.toX(x1)];
    const [bottom, top] = [this.toY(y0), this.toY(y1)];
    const box = { x: left, y: top, width: right - left, height: Math.max(bottom - top, 0) };
    set(this.#element(key, "rect"), { ...box, class: look });
  }

  /** Draw an ellipse round a point, turned by an angle in degrees. */
  ellipse(key, [x, y], [rx, ry], angle, look) {
    const [cx, cy] = [this.toX(x), this.toY(y)];
    const attributes = {
      cx,
      cy,
      rx: this.toX(x + rx) - cx,
      ry: cy - this.toY(y + ry),
      transform: `rotate(${-angle} ${cx} ${cy})`,
      class: look,
    };
    set(this.#element(key, "ellipse"), attributes);
  }

  /** Keep what was drawn by that name as it is. */
  keep(key) {
    this.named.add(key);
  }

  /** Draw one path from many rectangles [x0, x1, y0, y1]: a map. */
  cells(key, cells, look) {
    const corner = (x, y) => `${this.toX(x).toFixed(1)} ${this.toY(y).toFixed(1)}`;
    const path = cells.map(
      ([x0, x1, y0, y1]) =>
        `M${corner(x0, y0)}L${corner(x1, y0)}L${corner(x1, y1)}L${corner(x0, y1)}Z`,
    );
    set(this.#element(key, "path"), { d: path.join(""), class: look });
  }

  dots(key, xs, ys, look, size = 3) {
    let path = "";
    xs.forEach((value, i) => {
      const [x, y] = [this.toX(value), this.toY(ys[i])];
      if (!(Number.isFinite(x) && Number.isFinite(y))) return;
      path += `M${(x - size).toFixed(1)} ${y.toFixed(1)}a${size} ${size} 0 1 0 ${2 * size} 0a${size} ${size} 0 1 0 ${-2 * size} 0`;
    });
    set(this.#element(key, "path"), { d: path, class: `dots ${look}` });
  }

  /** Draw marks of a shape at points; where a number is not finite there is none. */
  marks(key, xs, ys, look, shape) {
    const places = xs.map((x, i) => [this.toX(x), this.toY(ys[i])]);
    const d = places.map(([x, y]) => (Number.isFinite(y) ? mark(shape, x, y) : "")).join("");
    set(this.#element(key, "path"), { d, class: `dots ${look}` });
  }

  text(key, x, y, words, { anchor = "start", look = "", dx = 0, dy = 0 } = {}) {
    const element = this.#element(key, "text");
    set(element, { x: this.toX(x) + dx, y: this.toY(y) + dy, "text-anchor": anchor, class: look });
    if (element.textContent !== words) element.textContent = words;
  }

  /** Draw a point that can be dragged and moved by keys; it is one control of the figure.

      `moved(x, y)` gets the place under the pointer, `keys(dx, dy)` the arrow that was pressed. */
  handle(key, x, y, { label, now, text, moved, keys }) {
    const isNew = !this.elements.has(key);
    const handle = this.#element(key, "g", this.above);
    handle.moved = moved;
    handle.keys = keys;
    if (isNew) {
      handle.innerHTML = '<circle class="reach" r="22"/><circle class="knob" r="7"/>';
      set(handle, { class: "handle", role: "slider", tabindex: 0, "aria-label": label });
      this.#listen(handle);
    }
    set(handle, {
      transform: `translate(${this.toX(x).toFixed(1)} ${this.toY(y).toFixed(1)})`,
      "aria-valuenow": now,
      "aria-valuetext": text,
    });
  }

  /** Let the whole plot be grasped: `moved(x, y)` gets every place of a pressed pointer.

      A finger that moves up or down scrolls the page; one that moves sideways grasps the plot. */
  grasp(key, moved) {
    const isNew = !this.elements.has(key);
    const area = this.#element(key, "rect", this.above);
    const { left, top, width, height } = this.box;
    set(area, { x: left, y: top, width, height, class: "grasp" });
    area.moved = moved;
    if (!isNew) return;
    this.svg.style.touchAction = "pan-y pinch-zoom";
    this.#listen(area, true);
  }

  /** Hear what a pointer and the keys do to an element. Where the page `scrolls` under a finger,
      nothing happens before it is seen to go sideways or is lifted. */
  #listen(element, scrolls = false) {
    let down; // where a finger was put down that may be about to scroll
    const report = (event) => {
      const frame = this.svg.getBoundingClientRect();
      const zoom = this.width / frame.width;
      const [x, y] = [(event.clientX - frame.left) * zoom, (event.clientY - frame.top) * zoom];
      element.moved(this.toX.back(x), this.toY.back(y));
    };
    element.addEventListener("pointerdown", (event) => {
      element.setPointerCapture(event.pointerId);
      down = scrolls && event.pointerType === "touch" ? event : null;
      if (!down) report(event);
      event.preventDefault();
      if (element.tabIndex >= 0) element.focus();
    });
    // Inside an SVG `touch-action` does not keep the page from scrolling away under a drag.
    if (!scrolls)
      element.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    element.addEventListener("pointermove", (event) => {
      const [x, y] = down ? [event.clientX - down.clientX, event.clientY - down.clientY] : [1, 0];
      if (Math.abs(x) <= Math.abs(y) || !element.hasPointerCapture(event.pointerId)) return;
      down = null;
      report(event);
    });
    element.addEventListener("pointerup", (event) => {
      if (down) report(event);
      down = null;
    });
    element.addEventListener("pointercancel", () => (down = null));
    element.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      if (!element.keys || !(event.key in way)) return;
      event.preventDefault();
      element.keys(...way[event.key].map((step) => step * (event.shiftKey ? 10 : 1)));
    });
  }

  /** Name the lines, above the plot: [look, text] each, and the shape of its marks if it has any. */
  legend(entries) {
    const items = entries.map(([look, text, shape]) => {
      const marked = shape ? `<path class="dots ${look}" d="${mark(shape, 13, 5)}"/>` : "";
      return `<li><svg width="26" height="10" aria-hidden="true"><path class="line ${look}" d="M1 5H25"/>${marked}</svg>${text}</li>`;
    });
    const html = items.join("");
    if (html !== this.entries) this.list.innerHTML = html;
    this.entries = html;
  }

  /** End a drawing: remove what it did not name. */
  end() {
    for (const [key, element] of this.elements) {
      if (this.named.has(key)) continue;
      element.remove();
      this.elements.delete(key);
    }
  }
}

function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    const text = String(value);
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}
