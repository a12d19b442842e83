"""Putting an area into the platform (数据装载): persons, catalogue, openings from files."""
