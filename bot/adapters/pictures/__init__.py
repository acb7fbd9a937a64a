"""Pictures on disk: the checks of what is sent, words inside of what came, and small copies."""
