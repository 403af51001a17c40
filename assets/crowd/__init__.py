"""From the director's words to people in the world: formations, cues, travel, simulation."""
