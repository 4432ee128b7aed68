"""The book's MyST text as plain Markdown, which any Jupyter shows.

Directives become headings, quotations and folded `<details>`; references become the numbers that
the built book has, citations author and year, and glued numbers what the cells gave.
"""

import itertools
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import lesson
from rmsbook.claims import load_bibliography

OPENING = re.compile(r"^(`{3,}|:{3,})\{([\w-]+)\}[ ]*(.*)$")
OPTION = re.compile(r"^:([\w-]+):[ ]*(.*)$")
ROLE = re.compile(r"\{([\w:]+)\}`([^`]+)`")
NAMED = re.compile(r"^(.*?)\s*<([^>]+)>$", re.DOTALL)  # a reference with a text of its own
EQUATION = re.compile(r"\$\$(?P<body>[^$]*?)\s*\$\$ \((?P<label>[\w-]+)\)")
DEFINITION = re.compile(r"^(?P<term>[^\n]+)\n: (?P<text>[^\n]*(?:\n  [^\n]*)*)", re.M)
SECTION = re.compile(r"^\((?P<label>[\w-]+)\)=\n(?P<heading>#+ (?P<title>.+))$", re.M)
LINK = re.compile(r"\[(?P<text>[^\]]*)\]\((?P<page>[\w./-]*)(?P<anchor>#[\w-]+)?\)")
MOVING = re.compile(r"^`{3,}\{moving\}[^\n]*\n(?::[^\n]*\n)*?:name: (?P<label>\S+)$", re.M)
ADMONITIONS = {"note", "tip", "warning", "important", "caution"}


def number(path: Path) -> str:
    """Return a chapter's number as the book writes it: 6 in the course, P3 in the primer."""
    return f"{lesson.PREFIX[path.parent.name]}{int(path.stem[:2])}"


def exercise_number(label: str) -> str:
    """Return an exercise's number: P3.1 for ex-p03-1."""
    part, chapter, count = re.fullmatch(r"ex-(p?)(\d+)-(\d+)", label).groups()
    return f"{part.upper()}{int(chapter)}.{count}"


def folded(summary: str, text: str) -> str:
    """Return text behind a line to open it."""
    return f"<details>\n<summary>{summary}</summary>\n\n{text.strip()}\n\n</details>"


def quoted(text: str) -> str:
    """Return text as a quotation."""
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


@dataclass(frozen=True)
class Book:
    """What one chapter may refer to in another."""

    lessons: list[lesson.Lesson]

    @cached_property
    def numbers(self) -> dict[str, str]:
        """What a reference to a label says."""
        found = {}
        for one in self.lessons:
            chapter, figures, equations = number(one.path), 0, 0
            for part in one.parts:
                drawn = part.metadata.get("mystnb", {}).get("figure", {}).get("name")
                moving = MOVING.findall(part.source) if part.kind == "text" else []
                for figure in [drawn] * bool(drawn) + moving:
                    figures += 1
                    found[figure] = f"Figure {chapter}.{figures}"
                for equation in EQUATION.finditer(part.source) if part.kind == "text" else ():
                    equations += 1
                    found[equation["label"]] = f"{chapter}.{equations}"
                for section in SECTION.finditer(part.source):
                    found[section["label"]] = section["title"]
                if part.exercise:
                    found[part.exercise] = f"exercise {exercise_number(part.exercise)}"
        return found

    @cached_property
    def sources(self) -> dict:
        """The bibliography."""
        return load_bibliography()

    def text(self, source: str, at: lesson.Lesson) -> str:
        """Return a chapter's text as plain Markdown."""
        try:
            return _Writer(self, at).blocks(source)
        except KeyError as error:
            raise ValueError(
                f"{at.path.name} names {error}, which no executed chapter has: "
                "run `make notebooks` if it is new"
            ) from None

    def caption(self, part: lesson.Part, at: lesson.Lesson) -> str | None:
        """Return what stands under a cell's figure, or None where there is none."""
        figure = part.metadata.get("mystnb", {}).get("figure")
        if not figure:
            return None
        begin = f"**{self.numbers[figure['name']]}.** " if "name" in figure else ""
        return begin + self.text(figure["caption"], at)


@dataclass(frozen=True)
class _Writer:
    """Writes the text of one chapter."""

    book: Book
    lesson: lesson.Lesson

    def blocks(self, text: str) -> str:
        """Write text that may hold directives."""
        lines, plain, written = text.split("\n"), [], []
        while lines:
            opening = OPENING.match(lines[0])
            if not opening:
                plain.append(lines.pop(0))
                continue
            written.append(self.inline("\n".join(plain)))
            plain = []
            fence, name, argument = opening.groups()
            end = next(n for n, line in enumerate(lines) if n and line.rstrip() == fence)
            written.append(self.directive(name, argument, lines[1:end]))
            lines = lines[end + 1 :]
        written.append(self.inline("\n".join(plain)))
        return "\n\n".join(piece.strip("\n") for piece in written if piece.strip())

    def directive(self, name: str, argument: str, lines: list[str]) -> str:
        """Write one directive."""
        options = {}
        while lines and (option := OPTION.match(lines[0])):
            options[option[1]] = option[2]
            lines = lines[1:]
        text = self.blocks("\n".join(lines))
        if name == "predict":
            question, _, answer = text.partition("<details>")
            count = itertools.count(1)  # the answer names an option by its number
            question = re.sub(r"^- ", lambda _: f"{next(count)}. ", question, flags=re.M)
            return f"**Predict, before you run the next cell.** {question}<details>{answer}"
        if name == "answer":
            return folded("Answer", f"**{argument}.** {text}" if argument else text)
        if name == "moving":
            begin = self.book.numbers.get(options.get("name"), "A figure")
            return quoted(f"**{begin}, which moves on the book's page.** {text}")
        if name == "hint":
            return folded("Hint", text)
        if name == "admonition" or name in ADMONITIONS:
            title = self.inline(argument) if name == "admonition" else name.capitalize()
            if "dropdown" in options.get("class", ""):
                return folded(title, text)
            return quoted(f"**{title}**\n\n{text}")
        raise ValueError(f"{self.lesson.path.name} has a {{{name}}}, which has no plain form yet")

    def inline(self, text: str) -> str:
        """Write text without directives."""
        text = SECTION.sub(r"\g<heading>", text)
        text = EQUATION.sub(self._equation, text)
        text = ROLE.sub(lambda role: self.role(*role.groups()), text)
        text = DEFINITION.sub(r"**\g<term>.** \g<text>", text)
        return LINK.sub(self._link, text)

    def role(self, name: str, content: str) -> str:
        """Write one role."""
        if name == "glue:text":
            return self._number(*content.partition(":")[::2])
        if name in ("cite:p", "cite:t"):
            return self._cited([key.strip() for key in content.split(",")], name == "cite:p")
        own = NAMED.match(content)
        if own:
            return own[1]
        if name == "eq":
            return f"({self.book.numbers[content]})"
        if name in ("numref", "ref"):
            return self.book.numbers[content]
        raise ValueError(f"{self.lesson.path.name} has a {{{name}}}, which has no plain form yet")

    def _number(self, name: str, form: str) -> str:
        value = self.lesson.glued[name]
        return format(value, form) if form else str(value)

    def _cited(self, keys: list[str], in_brackets: bool) -> str:
        sources = [self.book.sources[key] for key in keys]
        if not in_brackets:
            return " and ".join(f"[{source.label}]({source.address})" for source in sources)
        labels = (source.label.replace(" (", ", ").rstrip(")") for source in sources)
        linked = (f"[{a}]({s.address})" for a, s in zip(labels, sources, strict=True))
        return f"({'; '.join(linked)})"

    def _equation(self, match: re.Match) -> str:
        return f"$$\n{match['body'].strip()}\n\\tag{{{self.book.numbers[match['label']]}}}\n$$"

    def _link(self, match: re.Match) -> str:
        """Let a link to a chapter lead to its notebook; pages that are none stay in the book."""
        if not match["page"] and match["anchor"]:
            return match["text"]
        target = (self.lesson.path.parent / match["page"]).resolve().with_suffix(".md")
        if target not in {one.path.resolve() for one in self.book.lessons}:
            return match[0] if target.suffix != ".md" or not target.exists() else match["text"]
        return f"[{match['text']}]({match['page'].removesuffix('.md')}.ipynb)"
