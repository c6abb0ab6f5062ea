"""Where the examples come from, as the spec says it."""
