"""What runs the services outside Lambda: the parts, the provisioning, the gateway, the triggers and the supervisor."""
