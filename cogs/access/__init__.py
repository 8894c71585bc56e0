"""`/access`: who may make pictures, where and how often."""
