"""nbgrader's settings for a course of this book; `make course` puts a copy into the course."""

from collections import Counter

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor, Preprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearHiddenTests,
    Execute,
    GetGrades,
    LimitOutput,
    SaveAutoGrades,
)

PRINTED = 1_000_000  # characters that a cell may print; what comes after is not even collected
CELL_SECONDS = 30


class BoundedExecute(Execute):
    """Executes a notebook, and stops listening to a cell that prints without end."""

    raise_on_iopub_timeout = False  # such a cell's output is late, which is no reason to give up

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.printed = Counter()

    def process_message(self, msg, cell, cell_index):
        """Take a message of the kernel, unless it is more of too much."""
        if msg["msg_type"] == "stream":
            self.printed[cell_index] += len(msg["content"]["text"])
            if self.printed[cell_index] > PRINTED:
                return None
        return super().process_message(msg, cell, cell_index)


class OnlyTheMessage(Preprocessor):
    """Leaves of a failed test its message: the traceback would show the hidden tests."""

    enabled = True

    def preprocess_cell(self, cell, resources, index):
        """Shorten the errors of a test."""
        if cell.metadata.get("nbgrader", {}).get("grade"):
            for output in cell.get("outputs", []):
                if output.output_type == "error":
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources


c = get_config()  # noqa: F821 – traitlets gives it
c.CourseDirectory.course_id = "rmsprop"
c.ClearSolutions.code_stub = {"python": ""}  # the attempt's own dots stand above it
c.Execute.timeout = CELL_SECONDS
c.Autograde.autograde_preprocessors = [
    BoundedExecute,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
c.GenerateFeedback.preprocessors = [
    GetGrades,
    ClearHiddenTests,
    OnlyTheMessage,
    CSSHTMLHeaderPreprocessor,
]
