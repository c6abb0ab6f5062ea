"""Where tasks run: each engine gives an executor."""
