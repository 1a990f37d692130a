"""Reporting on both databases."""

from __future__ import annotations

from tests.integration.reporting.databases import engine, postgres

__all__ = ["engine", "postgres"]
