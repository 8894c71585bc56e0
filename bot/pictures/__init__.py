"""Members' pictures and Rivya's: fetched, judged, made to fit.

Owns the package. Never imports anything.
"""
