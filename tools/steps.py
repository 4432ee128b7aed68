"""What of a chapter is shown to a class: each question with what answers it.

A step is a `{predict}` and the first cell below it that shows something. A cell tagged `skip-slide`
takes its step out of the decks, one tagged `slide` takes it into that of the primer, which has only
the first step of each page.
"""

from dataclasses import dataclass

from bs4 import Tag

LONGEST = 14  # lines of code that an audience reads
NOT_SHOWN = ".exercise, .solution, details.articles, .tag_attempt, .tag_remove-output"


@dataclass(frozen=True)
class Step:
    """A question, the formulas before it in its section, the cell that answers it, the answer."""

    heading: str
    formulas: list[Tag]
    question: Tag
    cell: Tag
    answer: Tag

    @property
    def has_figure(self) -> bool:
        """Whether it shows a picture."""
        return self.cell.select_one("svg, img") is not None

    def tagged(self, tag: str) -> bool:
        """Whether the cell that answers has a tag."""
        return f"tag_{tag}" in self.cell["class"]


def visible(cell: Tag) -> bool:
    """Whether a cell shows something that is no claim's evidence."""
    output = cell.select_one(".cell_output")
    hidden = cell.find_parent(["details"]) or cell.css.closest(NOT_SHOWN)
    return output is not None and not hidden and output.select_one(".claim") is None


def answering(box: Tag) -> Tag | None:
    """Return the first cell below a question that shows something, before the next question."""
    section = box.find_parent("section")
    for element in box.find_all_next("div"):
        kinds = element.get("class", [])
        if "predict" in kinds or section not in element.parents:
            return None
        if "cell" in kinds and visible(element):
            return element
    return None


def formulas(box: Tag) -> list[Tag]:
    """Return the numbered formulas of the section between the last question and this one."""
    found = []
    for element in box.find_previous_siblings("div"):
        kinds = element.get("class", [])
        if "predict" in kinds:
            break
        if "math" in kinds and element.select_one(".eqno"):
            found.append(element)
    return found[::-1]


def steps(article: Tag) -> list[Step]:
    """Return the steps of a chapter in their order."""
    found = []
    for box in article.select(".predict"):
        cell, above = answering(box), box.find_previous(["h1", "h2", "h3"])
        if cell is None:
            continue
        heading = "" if above.name == "h1" else above.get_text()
        step = Step(heading, formulas(box), box, cell, box.select_one("details.answer"))
        found += [step] if not step.tagged("skip-slide") else []
    return found


def fitting(found: list[Step], most: int) -> list[Step]:
    """Return as many steps as there is room for, in their order; figures are the last to go."""
    ranked = sorted(found, key=lambda step: not step.has_figure)[:most]
    return [step for step in found if any(step is kept for kept in ranked)]


def code(cell: Tag) -> Tag | None:
    """Return the code that a page shows with a cell, if it is short."""
    shown = cell.select_one(":scope > .cell_input")
    short = shown is not None and shown.get_text().strip().count("\n") < LONGEST
    return shown if short else None
