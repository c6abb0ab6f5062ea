"""From a run folder to a judged run: pure, no training; it knows no report and nothing of what users hold."""
