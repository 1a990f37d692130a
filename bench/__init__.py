"""The benchmarks: the product as it runs on one machine, measured beside what its database could do at most.

`python -m bench` (or `make bench`) starts parts of its own, in memory, measures, stops them, and writes
build/bench.json and docs/benchmarks.md. Nothing here is a test: what is slow is written down, and only a place sold
twice is a failure.
"""
