"""What is reported beside the verdict and never decides it."""
