"""`/help`: the commands of whoever asks, by their role."""
