"""What people look at: burn-ins, contact sheets, the report page."""
