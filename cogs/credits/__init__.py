"""`/credits` and `/report`."""
