"""Catalogue download, by version and by page (目录下载): 1301 to 1320."""
