"""What is kept back until the year's assessment (质量保证金)."""
