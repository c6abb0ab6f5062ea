"""The kinds of system, a wing for each; no wing knows another."""

import thermo_cli.spec  # noqa: F401 - the spec reads the models of all wings, whichever is imported first
