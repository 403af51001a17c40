"""Set extensions: proxy geometry, its guides and paintings."""
