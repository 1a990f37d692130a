"""The API's OpenAPI documents: of each service and of the whole, now and as released, and what changed."""
