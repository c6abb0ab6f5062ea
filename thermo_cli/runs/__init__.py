"""What a user holds: runs and sweeps, their tables, and the court on anybody's arrays."""
