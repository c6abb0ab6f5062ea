"""Where examples come from, a file each."""
