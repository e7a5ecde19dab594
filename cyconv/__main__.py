"""`python -m cyconv`: the same as the command `cyconv`."""

import sys

from .cli import main

sys.exit(main())
