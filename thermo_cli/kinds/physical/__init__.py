"""Physical systems, whose answers are known in closed form."""
