"""The test provider: a small payment company of its own, with checkout pages, charges, refunds and signed webhooks.

It plays the part Stripe plays in the cloud. It shares no code with the services and talks to them over HTTP alone, so
what is proven against it is proven against a stranger: answers get lost, webhooks come late, twice and in any order.
"""
