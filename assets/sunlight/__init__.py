"""What the sun shines on, and what that loses where something built stands before the sun."""
