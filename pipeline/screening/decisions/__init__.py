"""What people decide: the life of a version, what an approval names, what may be asked for, what may leave the house."""
