"""What a reader of a chapter meets: how long it is, and whether it asks before it shows.

Like the checks of `gates`, each returns what is wrong. They look at the sources; nothing runs.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import chapters
from rmsbook.exercises import find

HIDDEN = {"remove-input", "hide-input", "remove-cell", "hide-cell"}
WORDS_A_MINUTE, LINES_A_MINUTE = 200, 20  # what a reader takes in, of text and of code
THESIS_WORDS = 30
HOUR = 60  # what the primer is said to take, on its door and above its pages
LINE = 79  # characters of code that a phone turned sideways shows
ARTICLES = 40  # times that the book speaks of the articles where it teaches
QUESTIONS = 3  # a chapter's quiz, at least
SOLUTION = re.compile(r"^```{solution-start} (\S+).*?^```{solution-end}\s*^```$", re.M | re.S)
NOT_READ = re.compile(
    rf"(?ms:{SOLUTION.pattern})"  # folded
    r"|\$\$.*?\$\$|\$[^$]*\$"  # formulas are not counted
    r"|{[^}]*}`[^`]*`|`[^`]*`",
    re.DOTALL,
)
THESIS = re.compile(r"^\*\*(.+?)\*\*$", re.MULTILINE)
# What belongs to the making of the book and not to its subject.
PLUMBING = re.compile(r"\b(?:glue|evidence|use_style)\(|state_dict\(\)\[")
EXERCISE = re.compile(r"^```{exercise-start}[^\n]*\n:label: (\S+)", re.MULTILINE)
QUESTION = re.compile(r"^`{3,}{predict} (\S+)$", re.MULTILINE)
FOLDED = re.compile(r"^## What the articles say$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def text(notebook) -> str:
    """Return all a chapter's prose."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def visible(notebook) -> Iterator[str]:
    """Yield the code that stands open on the page."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and HIDDEN.isdisjoint(cell.metadata.get("tags", [])):
            yield cell.source


def minutes_to_read(notebook) -> float:
    """Return how long a reader takes for the text and the visible code of a chapter."""
    words = len(re.findall(r"[^\W\d_]{2,}", NOT_READ.sub(" ", text(notebook))))
    lines = sum(bool(line.strip()) for code in visible(notebook) for line in code.splitlines())
    return words / WORDS_A_MINUTE + lines / LINES_A_MINUTE


def misjudged(root: Path) -> list[str]:
    """Return the chapters that take another time than they say, or whose thesis is long.

    The primer as a whole says that it takes an hour.
    """
    found, primer = [], 0.0
    for path in chapters.chapters(root):
        notebook = chapters.read(path)
        stated = re.search(r"(\d+) minutes to read", text(notebook))
        counted = minutes_to_read(notebook)
        primer += counted * (path.parent.name == "primer")
        if stated and abs(int(stated[1]) / counted - 1) > 0.2:
            found.append(f"{path.stem} says {stated[0]}, counted are {counted:.0f}")
        thesis = THESIS.search(text(notebook))
        if thesis and len(thesis[1].split()) > THESIS_WORDS:
            found.append(f"{path.stem} has a thesis of {len(thesis[1].split())} words")
    if primer > HOUR:
        found.append(f"the primer takes {primer:.1f} minutes and not an hour")
    return found


def plumbing(root: Path) -> list[str]:
    """Return the visible lines of code that no student would type, and the long ones."""
    found = []
    for path in chapters.chapters(root):
        for line in "\n".join(visible(chapters.read(path))).splitlines():
            if PLUMBING.search(line):
                found.append(f"{path.stem} shows its plumbing: {line.strip()}")
            if len(line) > LINE:
                found.append(f"{path.stem} has a line of {len(line)} characters: {line.strip()}")
    return found


def articles(root: Path) -> list[str]:
    """Return where the book speaks of the articles outside the folded sections, if too often."""
    found = []
    for path in chapters.chapters(root):
        times = len(re.findall(r"\b[Aa]rticles?\b", FOLDED.sub("", text(chapters.read(path)))))
        found += [f"{path.stem}: article"] * times
    return found if len(found) > ARTICLES else []


def sections(notebook) -> Iterator[tuple[str, str, bool]]:
    """Yield title, prose, and whether it shows something computed, for each of the sections.

    What only an exercise or its solution computes is left out.
    """
    title, prose, shows, inside = "", [], False, False
    for cell in notebook.cells:
        if cell.cell_type == "code":
            tags = set(cell.metadata.get("tags", []))
            shows |= not inside and tags.isdisjoint({"attempt", "remove-cell", "remove-output"})
            continue
        for line in cell.source.splitlines():
            if line.startswith("## "):
                yield title, "\n".join(prose), shows
                title, prose, shows = line[3:], [], False
            inside = line.startswith("```{solution-start}") or (
                inside and not line.startswith("```{solution-end}")
            )
            prose.append(line)
    yield title, "\n".join(prose), shows


def unasked(root: Path) -> list[str]:
    """Return the sections that show a result without a question before it."""
    found = []
    for path in chapters.chapters(root):
        if path.parent.name == "reference":  # is looked up, not read
            continue
        notebook = chapters.read(path)
        for title, prose, shows in sections(notebook):
            told = title in ("", "What the articles say") or QUESTION.search(prose)
            if shows and not told:
                found.append(f"{path.stem}, “{title}”, shows before it asks")
        labels = QUESTION.findall(text(notebook))
        begin = f"q-{path.parent.name[0] * (path.parent.name == 'primer')}{path.stem[:2]}-"
        if labels and labels != [f"{begin}{n}" for n in range(1, len(labels) + 1)]:
            found.append(f"{path.stem}: questions are to be numbered from {begin}1: {labels}")
        options = text(notebook).count(":::{answer} ")
        if labels and path.stem[:2].isdecimal() and options < QUESTIONS:
            found.append(f"{path.stem} has {options} questions with options, and not {QUESTIONS}")
    return found


def unchecked(root: Path) -> list[str]:
    """Return the exercises without a cell to fill in, a check, or a solution that passes it."""
    found = []
    for path in chapters.chapters(root):
        notebook = chapters.read(path)
        attempts = "\n".join(
            cell.source for cell in notebook.cells if "attempt" in cell.metadata.get("tags", [])
        )
        whole = path.read_text("utf-8")
        solutions = {match[1]: match[0] for match in SOLUTION.finditer(whole)}
        for label in EXERCISE.findall(whole):
            call = f'check("{label}", '
            if call not in attempts:
                found.append(f"{label} has no cell to fill in that ends in a check")
            if call not in solutions.get(label, ""):
                found.append(f"{label} has no solution that ends in its check")
            try:
                find(label)
            except ValueError as error:
                found.append(str(error))
    return found
