"""The criteria of the court, a file each."""
