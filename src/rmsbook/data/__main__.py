"""Show where each data set comes from, and download what can be."""

import functools
import os
import sys

from rmsbook.data import DatasetError, files, load_digits, load_japanese_vowels


def main() -> int:
    """Print a line for each data set, downloading what can be; 1 if one of them is wrong."""
    status = 0
    from_files = [
        functools.partial(files.load, spec, os.environ, _print)
        for spec in (files.MNIST, files.CIFAR10)
    ]
    for loader in (*from_files, load_digits, load_japanese_vowels):
        try:
            _print(loader())
        except DatasetError as error:
            _print(f"Error: {error}")
            status = 1
    return status


def _print(line: object):
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
