"""The gateway: all services over HTTP at one address, each request handed on as API Gateway hands it to Lambda."""
