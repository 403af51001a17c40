"""What people do: clips, footwork, going from one to another, feet on terrain, what keeps people alive."""
