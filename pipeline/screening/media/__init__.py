"""What the player shows of a delivered version: proxies, stills and thumbnails, made from its EXR frames."""
