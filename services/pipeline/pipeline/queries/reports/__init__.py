"""Reports: what there is in the pipeline now, and what became of what was there."""
