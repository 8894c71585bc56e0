"""Pure types and rules: jobs, limits, access, periods, errors, image models, ids, clock."""
