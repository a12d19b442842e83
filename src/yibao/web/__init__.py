"""Pages: the developer's console of the sandbox (开发者控制台)."""
