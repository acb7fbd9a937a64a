"""The outside in small: servers with state that import nothing else of the house."""
