"""The house's money at a glance, for the operator."""
