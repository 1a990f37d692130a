"""Tickets: issued for confirmed holds, signed, printed as PDF, and admitted at the gates."""
