"""Visit → fee lines → trial → settle → cancel; accumulators; what was settled, readable again."""
