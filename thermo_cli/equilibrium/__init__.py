"""The court: criteria, intervals and the verdict; NumPy and SciPy only."""
