"""One file for each revision, which only adds; what a revision does never changes again."""
