"""Post the progress, the picture or the failure of a job to Discord."""
