"""One file for each revision; what a revision does never changes again."""
