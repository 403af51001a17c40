"""Guides of a whole crowd through the solved lens: depth, normals, ids, parts, motion, pose maps."""
