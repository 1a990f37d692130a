"""Deploys the services: stages the bundles, packages them with what Chalice cannot express, and hands them to AWS."""
