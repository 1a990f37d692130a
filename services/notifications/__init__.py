"""Notifications: mails to buyers about their tickets and refunds."""
