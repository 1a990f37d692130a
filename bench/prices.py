"""What the parts cost: published list prices, us-east-1, November 2026, in US dollars, without any free tier.

What stands below ASSUMED is not from the price list this project keeps, but named here so that anybody can put in
their own figure: the sizes and prices of a set-up that always runs, and how long a function waits.
"""

from __future__ import annotations

from typing import Final

SOURCE: Final = "published list prices, us-east-1, November 2026"
MILLION: Final = 1_000_000

LAMBDA_GB_SECOND: Final = 0.0000166667
LAMBDA_REQUEST: Final = 0.20 / MILLION
API_GATEWAY_REQUEST: Final = 3.50 / MILLION
DYNAMODB_WRITE: Final = 0.625 / MILLION
DYNAMODB_READ: Final = 0.125 / MILLION
SNS_PUBLISH: Final = 0.50 / MILLION
SQS_REQUEST: Final = 0.40 / MILLION
SES_MAIL: Final = 0.10 / 1000
VALKEY_SERVERLESS_MONTH: Final = 6.13
NAT_GATEWAY_MONTH: Final = 33.0

# ASSUMED from here on.
S3_PUT: Final = 0.005 / 1000
S3_GET: Final = 0.0004 / 1000
# What a buyer's page asks for besides the steps of the sale: the order three times, the tickets, and their PDF.
LOOKS_AN_ORDER: Final = 5
LOOK_CPU_MS: Final = 1.0
# An access token is verified once a minute for each API: reservations, orders, payments, tickets.
AUTHORIZERS_AN_ORDER: Final = 4
AUTHORIZER_CPU_MS: Final = 1.0
# Chalice, parsing, the answer and the log line of one invocation, beside what the use case takes.
INVOCATION_CPU_MS: Final = 2.0
# A relay or follower for each record it is called with; in a rush a hundred records share a call.
RELAY_CPU_MS: Final = 2.0
PUBLISH_WAIT_MS: Final = 15.0
DYNAMODB_WAIT_MS: Final = 5.0
REDIS_WAIT_MS: Final = 1.0
# A page opened at the payment company; a PDF stored; a PDF fetched and a mail handed over.
OUTSIDE_WAIT_MS: Final[dict[str, float]] = {"checkout opened": 300.0, "tickets issued": 40.0, "mailed": 120.0}
# A function has a whole core at this size, and its share of one below.
MEMORY_MB_OF_A_CORE: Final = 1769

# What runs while nobody buys. Lambda asks every queue for messages by five pollers, each waiting 20 s.
POLLS_A_QUEUE_MONTH: Final = 5 * 3 * 60 * 730
SERVERLESS_MONTH: Final[dict[str, float]] = {
    "Valkey Serverless": VALKEY_SERVERLESS_MONTH,
    "reporting's PostgreSQL, the smallest instance and 20 GB": 0.016 * 730 + 20 * 0.115,
}
ALWAYS_ON_MONTH: Final[dict[str, float]] = {
    "2 Fargate tasks, 1 vCPU and 2 GB each": 2 * 730 * (0.04048 + 2 * 0.004445),
    "PostgreSQL in two zones, db.t4g.medium, 50 GB": 730 * 0.129 + 50 * 0.23,
    "load balancer with one capacity unit": 730 * (0.0225 + 0.008),
    "NAT gateway": NAT_GATEWAY_MONTH,
    "Valkey, cache.t4g.micro": 730 * 0.0128,
}
