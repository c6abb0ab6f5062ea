"""The kinds of system, a wing for each; no wing knows another."""
