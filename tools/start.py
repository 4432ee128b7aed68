"""What the programs of the book import before all else: it makes their start quick and quiet."""

import functools
import importlib.metadata
import signal
import sys

# Ctrl-C during the imports ends the program without a traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)

# jsonschema, which nbformat imports, would build 38 grammars for addresses that no notebook has:
# two seconds in every process. It does without them where this module is not installed.
sys.modules["rfc3987_syntax"] = None

# pybtex asks thirty times for a plugin, and each time the files of all packages would be read.
every_entry_point = functools.cache(importlib.metadata.entry_points)
importlib.metadata.entry_points = lambda **wanted: every_entry_point().select(**wanted)
