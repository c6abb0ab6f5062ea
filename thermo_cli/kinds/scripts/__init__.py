"""Scripts: any program, a process for each replica."""
