"""Write the course into `_build/course`: notebooks for students, for instructors, and for nbgrader.

Both come from the chapters' own notebooks. Before anything is written, what students get is
searched for solutions.
"""

import shutil
from pathlib import Path

if __name__ == "__main__":
    import start  # noqa: F401 – before the others

import nbformat

import editions
import leaks
import lesson
import plain
import sheets

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = "nbgrader_config.py"


def write(lessons: list[lesson.Lesson], book: plain.Book, target: Path) -> None:
    """Write the course of these lessons, which may refer to all those of the book."""
    students, instructors, source = {}, {}, {}
    for one in lessons:
        name = f"{one.path.parent.name}/{one.path.stem}.ipynb"
        students[name] = nbformat.writes(editions.for_students(one, book))
        instructors[name] = nbformat.writes(editions.for_instructors(one, book))
        source[f"{one.name}/{one.name}.ipynb"] = nbformat.writes(sheets.sheet(one, book))
        found = leaks.search(one, students[name])
        if found:
            raise SystemExit("The course was not written:\n" + "\n".join(found))
    instructors["exercises.md"] = editions.overview(lessons)
    instructors["mistakes.md"] = editions.mistakes(lessons)
    settings = Path(__file__).with_name(SETTINGS).read_text("utf-8")
    replace(target / "students", students)
    replace(target / "instructors", instructors)
    replace(target / "nbgrader" / "source", source)
    replace_file(target / "nbgrader" / SETTINGS, settings)


def replace(folder: Path, files: dict[str, str]) -> None:
    """Put a folder with these files in the place of what is there, in one step."""
    part, former = (folder.with_name(f"{folder.name}.{end}") for end in ("part", "former"))
    for left in (part, former):
        shutil.rmtree(left, ignore_errors=True)
    for name, text in files.items():
        path = part / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    if folder.exists():
        folder.rename(former)
    part.rename(folder)
    shutil.rmtree(former, ignore_errors=True)


def replace_file(path: Path, text: str) -> None:
    """Write a file; whoever reads it meanwhile reads the former one."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, "utf-8")
    part.replace(path)


if __name__ == "__main__":
    target, lessons = ROOT / "_build" / "course", lesson.lessons(ROOT)
    write(lessons, plain.Book(lessons), target)
    print(f"{len(lessons)} chapters written to {target.relative_to(ROOT)}")
