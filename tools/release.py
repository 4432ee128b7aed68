"""Let nbgrader make its release of each sheet: without solutions and without hidden tests.

`make course` runs this in the environment that has nbgrader, with the course's folder.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    import start  # noqa: F401 – before the others

from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from course import SETTINGS

PATIENCE = 60  # seconds for a database that another process is writing to


def settings(course: Path) -> Config:
    """Return the course's own settings, with the place of its files."""
    # nbgrader calls `alembic`, which stands beside this Python and perhaps on no path
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    config = PyFileConfigLoader(SETTINGS, path=str(course)).load_config()
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.db_url = f"sqlite:///{course / 'gradebook.db'}?timeout={PATIENCE}"
    return config


def release(course: Path) -> list[str]:
    """Make the release of every sheet anew; return the sheets' names."""
    config = settings(course)
    names = sorted(path.name for path in (course / "source").iterdir())
    for name in names:
        directory = CourseDirectory(config=config, assignment_id=name)
        converter = GenerateAssignment(coursedir=directory, config=config)
        converter.force = True
        converter.start()
    return names


if __name__ == "__main__":
    print(f"{len(release(Path(sys.argv[1]).resolve()))} sheets released")
