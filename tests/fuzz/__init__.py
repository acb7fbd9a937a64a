"""What strangers send, under a coverage-guided fuzzer: `python -m tests.fuzz --minutes 5`."""
