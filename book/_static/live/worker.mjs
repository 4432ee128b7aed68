// Python in a Web Worker: one namespace for all cells of the page. Everything comes from here.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const here = new URL("./", import.meta.url).href;
const bytes = async (name) => (await fetch(here + name)).arrayBuffer();

async function start() {
  const [python, book, page] = await Promise.all([
    loadPyodide({
      indexURL: here + "pyodide/",
      packages: ["numpy", "matplotlib"],
      env: { MPLBACKEND: "agg", HOME: "/home/pyodide" },
    }),
    bytes("book.zip"),
    bytes("page.py"),
  ]);
  python.unpackArchive(book, "zip", { extractDir: "/home/pyodide" });
  python.FS.writeFile("/home/pyodide/page.py", new Uint8Array(page));
  return python.pyimport("page");
}

const ready = start();
ready.then(() => postMessage({ ready: true }), (error) => postMessage({ broken: String(error) }));

let queue = ready; // cells run one after the other, in the order of the clicks
onmessage = ({ data: { id, source, alone } }) => {
  queue = queue.then(async (page) => {
    const ok = await page.run(source, (kind, body) => postMessage({ id, kind, body }), alone);
    postMessage({ id, done: true, ok });
    return page;
  });
};
