"""How it starts: the only readers of the environment."""
