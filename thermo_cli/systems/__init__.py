"""What is trained: families of models, as stacks."""
