/* Questions to answer first. Without this script the options are a list and the answer unfolds;
   with it a reader chooses, or writes down a guess, and then sees the answer beside it. */

document.addEventListener("DOMContentLoaded", () => {
  for (const box of document.querySelectorAll(".admonition.predict")) {
    const answer = box.querySelector("details.answer");
    const options = box.querySelector(":scope > ul");
    if (options) offerOptions(box, options, answer);
    else offerGuess(box, answer);
  }

  function offerOptions(box, options, answer) {
    const right = Number(answer.dataset.right);
    const said = status();
    options.classList.add("options");
    [...options.children].forEach((item, index) => {
      const label = document.createElement("label");
      const choice = document.createElement("input");
      choice.type = "radio";
      choice.name = box.id;
      // A formula alone would name nothing: what KaTeX draws is hidden from screen readers.
      if (item.querySelector(".math")) choice.setAttribute("aria-label", spoken(item));
      label.append(choice, ...item.childNodes);
      item.append(label);
      choice.addEventListener("change", () => {
        const hit = index + 1 === right;
        for (const other of options.children) other.classList.remove("hit", "miss");
        item.classList.add(hit ? "hit" : "miss");
        said.textContent = hit ? "Yes." : "No. The answer says why.";
        answer.open = true;
      });
    });
    options.setAttribute("role", "radiogroup");
    for (const item of options.children) item.setAttribute("role", "presentation");
    options.setAttribute("aria-label", "Your prediction");
    answer.before(said);
  }

  function offerGuess(box, answer) {
    const form = document.createElement("form");
    form.className = "guess";
    const label = document.createElement("label");
    const guess = document.createElement("input");
    guess.autocomplete = "off";
    label.append("Your guess ", guess);
    const button = document.createElement("button");
    button.textContent = "Compare";
    const said = status();
    form.append(label, button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!guess.value.trim()) return guess.focus();
      said.textContent = `You said ${guess.value.trim()}.`;
      answer.open = true;
    });
    answer.before(form, said);
  }

  function spoken(item) {
    const said = item.cloneNode(true);
    for (const formula of said.querySelectorAll(".katex"))
      formula.replaceWith(formula.querySelector("annotation").textContent);
    return said.textContent.trim();
  }

  function status() {
    const said = document.createElement("p");
    said.className = "said";
    said.setAttribute("role", "status");
    return said;
  }
});
