"""The review server: a page where people compare, note and approve."""
