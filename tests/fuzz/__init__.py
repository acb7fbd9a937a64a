"""A small coverage-guided fuzzer for what strangers send: `python -m tests.fuzz --minutes 5`."""
