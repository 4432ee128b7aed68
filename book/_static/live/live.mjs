// Makes the cells of a page editable and runnable. What stands before a cell runs first, once.
const HIDDEN = ["remove-input", "remove-cell"];
const cells = JSON.parse(document.getElementById("live-cells")?.textContent ?? "[]");
// The lines of a figure that moves: they run alone, and the figure writes them anew.
const listings = [...document.querySelectorAll(".moving-python")].map((element) => ({ element, alone: true }));
const pending = new Map();
let worker;
let asked = 0;
let figures = 0;

for (const cell of cells) {
  cell.element = document.querySelector(`.cell-${cell.number}`);
  cell.original = cell.source;
  const hidden = cell.elsewhere || cell.tags.some((tag) => HIDDEN.includes(tag));
  cell.shown = !hidden && cell.element?.querySelector(".cell_input");
  if (cell.shown) equip(cell);
}
for (const cell of listings) {
  cell.source = cell.original = lines(cell);
  equip(cell);
  cell.element.addEventListener("rewritten", () => rewritten(cell));
}
if (cells.length) addPageBar();

function lines(cell) {
  return cell.element.querySelector("pre").textContent;
}

// What the reader has edited stays until Reset.
function rewritten(cell) {
  const edited = cell.source !== cell.original;
  cell.original = lines(cell);
  if (edited) return;
  cell.source = cell.original;
  cell.editor?.setText(cell.original);
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function button(label, action) {
  return element("button", { type: "button", textContent: label, onclick: action });
}

function equip(cell) {
  cell.input = cell.element.querySelector(".cell_input");
  cell.built = [...cell.element.querySelectorAll(":scope > .cell_output, :scope > details .cell_output")];
  cell.output = element("div", { className: "live-output" });
  cell.output.setAttribute("role", "status");
  cell.resetButton = button("Reset", () => reset(cell));
  cell.stopButton = button("Stop", () => stop("Stopped. The next Run starts Python anew."));
  cell.resetButton.hidden = cell.stopButton.hidden = true;
  const bar = element("div", { className: "live-bar" });
  bar.append(button("Run", () => run(cell)), button("Edit", () => edit(cell)), cell.stopButton, cell.resetButton);
  cell.input.after(bar, cell.output);
  cell.input.addEventListener("dblclick", () => edit(cell));
}

function addPageBar() {
  const bar = document.querySelector("p.runs");
  const all = button("Run all", () => runAll());
  const halt = button("Stop", () => stop("Stopped."));
  const anew = button("Reset", () => [...cells.filter((cell) => cell.shown), ...listings].forEach(reset));
  bar.append(" ", element("span", { className: "live-bar" }, all, halt, anew));
}

async function edit(cell) {
  if (cell.editor) return cell.editor.focus();
  const { makeEditor } = await import("./editor.mjs");
  cell.editor = makeEditor(cell.input, cell.source, {
    changed: (source) => {
      cell.source = source;
      cell.started = false;
      cell.resetButton.hidden = source === cell.original;
    },
    run: () => run(cell),
  });
  cell.input.classList.add("edited");
  cell.editor.focus();
}

function reset(cell) {
  cell.source = cell.original;
  cell.started = false;
  cell.editor?.setText(cell.original);
  cell.output.replaceChildren();
  delete cell.output.dataset.state;
  for (const output of cell.built) output.hidden = false;
  cell.resetButton.hidden = true;
}

function start() {
  if (worker) return worker;
  worker = new Worker(new URL("worker.mjs", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => {
    if (data.broken) stop(`Python could not be loaded: ${data.broken}`);
    else if (data.ready) document.documentElement.dataset.python = "ready";
    else pending.get(data.id)?.(data);
  };
  worker.onerror = (event) => stop(`Python could not be loaded: ${event.message ?? "is the page open as a file?"}`);
  return worker;
}

function stop(why) {
  worker?.terminate();
  worker = undefined;
  delete document.documentElement.dataset.python;
  for (const cell of cells) cell.started = false;
  for (const take of [...pending.values()]) take({ done: true, ok: false, why });
}

function execute(cell, take) {
  return new Promise((resolve) => {
    const id = asked++;
    pending.set(id, (message) => {
      if (!message.done) return take(message);
      pending.delete(id);
      resolve(message);
    });
    start().postMessage({ id, source: cell.source, alone: cell.alone });
  });
}

async function run(cell) {
  if (cell.output.dataset.state === "running") return;
  const began = performance.now();
  const note = element("p", { className: "live-note" });
  note.textContent = worker ? "Running …" : "Loading Python (once) …";
  for (const output of cell.built) output.hidden = true;
  cell.output.replaceChildren(note);
  cell.output.dataset.state = "running";
  cell.stopButton.hidden = cell.resetButton.hidden = false;
  let last = { ok: true };
  const before = cell.alone ? [] : cells.slice(0, cells.indexOf(cell)).filter((one) => !one.started);
  for (const one of [...before, cell]) {
    const expected = one.tags?.includes("raises-exception");
    last = await execute(one, (message) => {
      if (one === cell) show(cell.output, message);
      else if (message.kind === "error" && one.shown && !expected) show(cell.output, message);
    });
    last.ok ||= expected;
    // What the page does not show may do here less than where the book is made.
    if (!last.ok && (one.shown || last.why)) break;
    one.started = true;
  }
  note.textContent = last.why ?? "";
  if (!last.why) note.remove();
  cell.stopButton.hidden = true;
  cell.output.dataset.state = last.ok ? "done" : "failed";
  cell.output.dataset.milliseconds = Math.round(performance.now() - began);
  return last.ok;
}

async function runAll() {
  for (const cell of cells) {
    if (cell.shown && !(await run(cell))) return cell.element.scrollIntoView();
  }
}

function show(output, { kind, body }) {
  if (kind === "image/svg+xml") return output.append(picture(body));
  if (kind === "text/html") return output.append(element("div", { innerHTML: body }));
  let box = output.lastElementChild;
  if (box?.className !== kind) output.append((box = element("pre", { className: kind })));
  box.textContent += body;
}

// In the page's colours, like the figures that the book was built with.
function picture(svg) {
  const name = `live${figures++}-`;
  const text = svg
    .replace(/(\bid="|href="#|url\(#)/g, `$1${name}`)
    .replace(/#([0-9a-f]{6})\b(?=[;"])/g, "var(--figure-$1, #$1)");
  const drawn = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  drawn.querySelector("metadata")?.remove();
  drawn.style.width = drawn.getAttribute("width");
  for (const size of ["width", "height"]) drawn.removeAttribute(size);
  drawn.classList.add("figure");
  drawn.setAttribute("role", "img");
  drawn.setAttribute("aria-label", "Figure made by this cell");
  return document.importNode(drawn, true);
}
