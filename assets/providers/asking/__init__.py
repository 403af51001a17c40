"""Between a stage and a provider: the desk, kept answers, the ledger, patience."""
