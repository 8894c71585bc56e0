"""What is known of people, and how it is forgotten.

Owns nothing itself. Never imports anything of ours.
"""
