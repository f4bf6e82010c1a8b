"""`python -m retseg` is `retseg`."""

from retseg.cli.main import main

main()
