"""People, organisers, members and sessions."""
