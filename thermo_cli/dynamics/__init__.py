"""How it moves: update rules, schedules, mini-batches, stacked training."""
