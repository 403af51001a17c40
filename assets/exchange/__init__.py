"""A crowd as USD and back."""
