"""Captured messages: read from what tools and logs leave behind, and sent again."""
