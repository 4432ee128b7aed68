// Sets a page's formulas, which Sphinx writes as \(…\) and \[…\], in type and in MathML.
{
  const LONG = 200; // pixels: more than half a phone's line
  // What is wider than the column scrolls, by keyboard, too.
  const reach = (place) => {
    if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
  };
  const wide = "div.math, .pst-scrollable-table-container > table";
  const displayed = [...document.querySelectorAll(wide)];
  const watch = new ResizeObserver((entries) => entries.forEach(({ target }) => reach(target)));

  for (const place of document.querySelectorAll(".math")) {
    for (const text of [...place.childNodes]) {
      const [, opening, formula] = /^\s*\\([([])([^]*)\\[)\]]\s*$/.exec(text.data ?? "") ?? [];
      if (!opening) continue;
      const box = document.createElement("span");
      box.className = "formula";
      try {
        katex.render(formula, box, { displayMode: opening === "[" });
      } catch (error) {
        Object.assign(box, { className: "katex-error", title: error.message, textContent: text.data });
      }
      text.replaceWith(box);
    }
    // No line begins with the comma after a formula or ends with the bracket before it; a formula
    // that is long may be broken itself.
    const [mark] = /^[,.;:?!)]+/.exec(place.nextSibling?.data ?? "") ?? [""];
    const [opened] = /[([]+$/.exec(place.previousSibling?.data ?? "") ?? [""];
    if (!(mark || opened) || place.offsetWidth > LONG) continue;
    const kept = document.createElement("span");
    kept.style.whiteSpace = "nowrap";
    if (mark) place.nextSibling.deleteData(0, mark.length);
    if (opened) place.previousSibling.data = place.previousSibling.data.slice(0, -opened.length);
    place.before(kept);
    kept.append(opened, place, mark);
  }
  displayed.forEach((place) => watch.observe(place));
  document.fonts.addEventListener("loadingdone", () => displayed.forEach(reach));
}
