"""Who and what stands in front: supplied roto, difference to the solved background, holdouts."""
