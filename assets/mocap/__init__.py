"""Captured motion from outside: BVH, glTF and UsdSkel files turned into motions of our people."""
