"""Money in and money out: checkouts at payment providers, webhooks, refunds and the ledger."""
