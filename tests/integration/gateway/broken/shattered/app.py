"""A service that cannot be imported."""

raise RuntimeError("this service is broken on purpose")
