"""What is true: values and pure functions, with no input, output, clock or environment."""
