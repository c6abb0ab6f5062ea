"""The two commands: options, errors to exit codes, the live display; no science, no training."""

from thermo_cli.isolation import leave_working_directory

leave_working_directory()  # before anything else is imported
