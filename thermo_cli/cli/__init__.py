"""The two commands: options, errors to exit codes, the live display; no science, no training."""
