"""Networks: torch modules trained in stacks."""
