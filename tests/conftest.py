"""What all tests share: the project's tools as modules."""

import project  # noqa: F401 – a second conftest would hide a name defined here
