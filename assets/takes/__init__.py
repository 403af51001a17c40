"""Takes: proposals of how a character or a set piece looks, of which a person picks one."""
