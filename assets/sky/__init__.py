"""What stands behind everything: skies by formula, skies as pictures, and how the solved camera sees them."""
