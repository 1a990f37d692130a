"""The messages between services: one module for each publisher, and the words they share in `contracts.sale`.

A message is a fact in the past tense and carries the full state it speaks of. Contracts only grow: a released field
keeps its name and its type for ever, new fields are optional, and anything else is a `v2` beside the `v1`. The released
schemas in `contracts/schemas` are what new code is compared with.
"""
