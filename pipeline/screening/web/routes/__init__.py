"""One module per part of the page, each with a `router`; create_app finds them all."""
