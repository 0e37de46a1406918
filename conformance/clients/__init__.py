"""Programs that drive one Python SDK each, a JSON line at a time. `conformance/node/` is their counterpart."""
