"""Grade a course with nbgrader, one student at a time: `python tools/grade.py COURSE [SHEET …]`.

Every submission is looked at and, where that touches no answer, mended before nbgrader sees it; one
that cannot be graded gets a reason, and never keeps another from being graded. The points and what
was mended stand in grades.csv of the course. The exit status is 0 if every submission has its
grade, and 1 if one was refused.
"""

import argparse
import csv
import io
import logging
import multiprocessing
import os
import re
import shutil
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from multiprocessing.connection import Connection, wait
from pathlib import Path

if __name__ == "__main__":
    import start  # noqa: F401 – before the others

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from traitlets.config import Config

import kernels
import submissions
from course import SETTINGS, replace_file
from release import settings
from sheets import SEED

PROCESSES = 2
DEADLINE = 300  # seconds for a notebook; what hangs longer is ended
GRADES, SEEDS, MENDED, LOG = "grades.csv", "seeds.csv", "mended", "grading.log"
COLUMNS = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


@dataclass(frozen=True)
class Grade:
    """What came of a submission: a row of grades.csv."""

    student: str
    sheet: str
    points: float | None = None
    of: float | None = None
    note: str = ""

    @property
    def refused(self) -> bool:
        """Whether there is a reason in place of points."""
        return self.points is None


def submitted(course: Path, sheets: list[str]) -> list[tuple[str, str]]:
    """Return the student and the sheet of each submission, the sheets asked for or all."""
    folders = sorted(path for path in (course / "submitted").glob("*/*") if path.is_dir())
    return [(path.parent.name, path.name) for path in folders if not sheets or path.name in sheets]


def seeds(course: Path) -> dict[str, str]:
    """Return the number that each student was given, if they were given any."""
    path = course / SEEDS
    if not path.exists():
        return {}
    with path.open(encoding="utf-8") as file:
        return {row["student"]: row["seed"] for row in csv.DictReader(file)}


def grade(course: Path, student: str, sheet: str) -> Grade:
    """Grade one submission, in this process."""
    release = course / "release" / sheet / f"{sheet}.ipynb"
    if not release.exists():
        return Grade(student, sheet, note="there is no such sheet")
    try:
        taken = submissions.take(
            course / "submitted" / student / sheet, nbformat.read(release, as_version=4)
        )
        _hand_over(course, student, sheet, taken.notebook)
        config = settings(course)
        config.CourseDirectory.submitted_directory = MENDED
        config.Execute.kernel_manager_class = kernels.FileKernelManager
        _autograde(config, student, sheet)
        points, of = _points(config, student, sheet)
    except submissions.RefusedError as error:
        return Grade(student, sheet, note=str(error))
    return Grade(student, sheet, points, of, "; ".join(taken.notes))


def _hand_over(course: Path, student: str, sheet: str, notebook: nbformat.NotebookNode) -> None:
    """Put the mended notebook where nbgrader looks, beside the time it was handed in."""
    folder = course / MENDED / student / sheet
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / f"{sheet}.ipynb", nbformat.writes(notebook))
    time = course / "submitted" / student / sheet / "timestamp.txt"
    if time.exists():
        shutil.copy(time, folder)


class _LastError(logging.Handler):
    """Keeps the error that ends a traceback in what nbgrader says."""

    text = "nbgrader does not say why"

    def emit(self, record):
        errors = re.findall(r"^[\w.]+(?:Error|Exception): .+", record.getMessage(), re.M)
        if errors:
            self.text = errors[-1]


def _autograde(config: Config, student: str, sheet: str) -> None:
    log, last = logging.Logger("nbgrader"), _LastError()
    log.addHandler(last)
    directory = CourseDirectory(config=config, student_id=student, assignment_id=sheet)
    converter = Autograde(coursedir=directory, config=config, parent=None)
    converter.log, converter.force = log, True
    try:
        converter.start()
    except Exception as error:  # nbgrader has many, and each is this student's alone
        said = last.text if type(error).__name__ == "NbGraderException" else repr(error)
        raise submissions.RefusedError(f"it could not be run: {said}") from error


def _points(config: Config, student: str, sheet: str) -> tuple[float, float]:
    """Return what nbgrader has written down."""
    with Gradebook(config.CourseDirectory.db_url) as book:
        found = book.find_submission_notebook(sheet, sheet, student)
        if found.needs_manual_grade:
            raise submissions.RefusedError("nbgrader leaves it to be graded by hand")
        return found.score, found.max_score


def grade_all(course: Path, todo: list[tuple[str, str]]) -> Iterator[Grade]:
    """Grade submissions, each in a process of its own and two at a time; yield as they are done."""
    numbers, waiting, running = seeds(course), list(todo), {}
    kernels.folder()  # made here, the processes share it and this one removes it
    try:
        while waiting or running:
            while waiting and len(running) < PROCESSES:
                job = _Job.begin(course, *waiting.pop(0), numbers)
                running[job.receiver] = job
            ready = wait(running, timeout=1)
            late = [end for end, job in running.items() if job.is_late() and end not in ready]
            for end in [*ready, *late]:
                yield running.pop(end).result()
    finally:  # after Ctrl-C too
        for job in running.values():
            job.process.kill()


@dataclass(frozen=True)
class _Job:
    """A submission that is being graded, in a process of its own."""

    student: str
    sheet: str
    process: multiprocessing.Process
    receiver: Connection
    end: float

    @classmethod
    def begin(cls, course: Path, student: str, sheet: str, numbers: dict[str, str]) -> "_Job":
        context = multiprocessing.get_context("fork")  # or nbgrader would be imported each time
        receiver, sender = context.Pipe(duplex=False)
        arguments = (sender, course, student, sheet, numbers.get(student))
        process = context.Process(target=_work, args=arguments)
        process.start()
        sender.close()  # so that the end of the process is the end of the pipe
        return cls(student, sheet, process, receiver, time.monotonic() + DEADLINE)

    def is_late(self) -> bool:
        return time.monotonic() > self.end

    def result(self) -> Grade:
        """Return the grade, or why there is none."""
        try:
            if self.receiver.poll():
                return self.receiver.recv()
            why = f"stopped: it took more than {DEADLINE} seconds"
        except EOFError:
            why = f"its grading ended early: see {LOG}"
        finally:
            self.process.kill()  # a kernel notices that whoever started it is gone
            self.process.join()
            self.receiver.close()
        return Grade(self.student, self.sheet, note=why)


def _work(sender: Connection, course: Path, student: str, sheet: str, seed: str | None) -> None:
    os.environ.pop(SEED, None)
    if seed is not None:
        os.environ[SEED] = seed
    warnings.simplefilter("ignore")  # nbgrader's own, of its database
    with (course / LOG).open("a") as log:  # what the kernel says too
        os.dup2(log.fileno(), sys.stderr.fileno())
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # there is a kernel on each core
    sender.send(grade(course, student, sheet))


def rows(course: Path) -> dict[tuple[str, str], dict]:
    """Return the rows of grades.csv by student and sheet."""
    path = course / GRADES
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["student"], row["sheet"]): row for row in csv.DictReader(file)}


def write_down(course: Path, one: Grade) -> None:
    """Write a grade down beside the others, in the place of a former one."""
    known = rows(course) | {(one.student, one.sheet): asdict(one)}
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Grade)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(known[key] for key in sorted(known))
    replace_file(course / GRADES, text.getvalue())


def main() -> None:
    """Grade what the command line names, and say how it went."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("course", type=Path)
    parser.add_argument("sheets", nargs="*", help="these alone (all of them)")
    arguments = parser.parse_args()
    course = arguments.course.resolve()
    if not (course / SETTINGS).exists():
        parser.error(f"{course} is no course: `make course` writes one, with {SETTINGS}")
    todo = submitted(course, arguments.sheets)
    if not todo:
        parser.error(f"nothing was handed in: {course}/submitted/STUDENT/SHEET/SHEET.ipynb")
    grades = []
    # a thread that draws the bar would be in the way of the processes
    with Progress(*COLUMNS, auto_refresh=False) as progress:
        bar = progress.add_task("grading", total=len(todo))
        for one in grade_all(course, todo):
            grades.append(one)
            if one.note:
                what = "REFUSED" if one.refused else "mended"
                progress.console.print(
                    f"{one.student}, {one.sheet}: {what}: {one.note}", markup=False, highlight=False
                )
            progress.update(bar, advance=1, refresh=True)
            write_down(course, one)
    refused = sum(one.refused for one in grades)
    print(f"{len(grades) - refused} graded, {refused} refused; see {course / GRADES}")
    sys.exit(bool(refused))


if __name__ == "__main__":
    main()
