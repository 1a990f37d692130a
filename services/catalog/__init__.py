"""Venues, seat maps, series, events and ticket types: what is planned, and what the public may browse."""
