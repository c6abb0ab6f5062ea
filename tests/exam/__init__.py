"""The exam: verdicts on systems whose answer is known, with their error rates. `python -m tests.exam` runs all of it."""
