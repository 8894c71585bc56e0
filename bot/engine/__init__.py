"""Run each job from request to delivery: steps, failures, slots, polling, shutdown."""
