/* The list of claims: filters and a search above the table. Without this script the whole table
   stands; the controls are made here because without it they would do nothing. */

document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table.claims:has([data-verdict])");
  if (!table) return;
  const rows = [...table.tBodies[0].rows];
  const form = document.createElement("form");
  form.className = "claims-controls";
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Claims");

  function labelled(text, control) {
    const label = document.createElement("label");
    label.append(text, control);
    form.append(label);
    return control;
  }

  const filters = ["article", "chapter", "verdict"].map((name) => {
    const select = document.createElement("select");
    const values = new Set(rows.map((row) => row.dataset[name]));
    select.append(new Option("all", ""), ...[...values].map((value) => new Option(value, value)));
    select.name = name;
    return labelled(name[0].toUpperCase() + name.slice(1), select);
  });
  const words = document.createElement("input");
  words.type = "search";
  words.name = "words";
  labelled("Words", words);
  const reset = document.createElement("button");
  reset.type = "reset";
  reset.textContent = "Show all";
  form.append(reset);

  const count = document.createElement("p");
  count.className = "claims-count";
  count.setAttribute("role", "status");
  count.setAttribute("aria-live", "polite");

  function show() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden =
        filters.some((filter) => filter.value && filter.value !== row.dataset[filter.name]) ||
        wanted.some((word) => !text.includes(word));
    }
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = `${shown} of ${rows.length} claims are shown`;
  }

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show)); // only then are the controls empty
  table.before(form, count);
  show();
});
