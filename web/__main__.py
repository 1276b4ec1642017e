"""`python -m web` is `prepkit`."""

from .cli import main

main()
