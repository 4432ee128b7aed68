// Sets a page's formulas, which Sphinx writes as \(…\) and \[…\], in type and in MathML.
{
  // What is wider than the column scrolls, by keyboard, too.
  const reach = (place) => {
    if (place.scrollWidth > place.clientWidth) place.tabIndex = 0;
    else place.removeAttribute("tabindex");
  };
  const displayed = [...document.querySelectorAll("div.math")];
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
    // No line begins with the comma after a formula.
    if (/^[,.;:?!)]/.test(place.nextSibling?.data ?? "")) place.after("\u2060");
  }
  displayed.forEach((place) => watch.observe(place));
  document.fonts.addEventListener("loadingdone", () => displayed.forEach(reach));
}
