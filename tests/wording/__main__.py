"""Print the banned phrases of the files whose path contains one of the arguments; all without."""

import sys

from tests.wording.search import in_file
from tests.wording.texts import files, name_of

if __name__ == "__main__":
    wanted = sys.argv[1:] or [""]
    for path in files():
        if any(each in name_of(path) for each in wanted):
            for finding in in_file(path):
                print(finding)  # noqa: T201 - this is what the command is for
