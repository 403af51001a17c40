"""Who someone is and what was done: passwords, sessions, guests, lockout, the audit."""
