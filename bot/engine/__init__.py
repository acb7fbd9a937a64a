"""What happens, in order; every function may be run again after a crash at any point."""
