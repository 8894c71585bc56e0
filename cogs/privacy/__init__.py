"""`/privacy`: what is kept of a member, export, erasure."""
