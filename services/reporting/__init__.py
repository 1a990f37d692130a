"""Reporting: what was sold, refunded and admitted, in SQL; it only consumes."""
