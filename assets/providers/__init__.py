"""Who generates: one file per model family or service, behind one interface (base.py)."""
