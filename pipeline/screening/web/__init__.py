"""The server: its routes, who may call each, templates, what the browser loads."""
