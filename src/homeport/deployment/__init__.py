"""What must exist before a server can start, and how it comes into being. Never done silently by `serve`."""
