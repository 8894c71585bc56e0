"""Jobs: rows, groups, history, late ones and stored pictures; requests/ has what is submitted as jobs."""
