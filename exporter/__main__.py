"""`python -m exporter`: the same as the command `ultravox-batch-exporter`."""

import sys

from exporter.cli import main

sys.exit(main())
