"""Checkout, orders and cancellation; conducts the saga of a sale."""
