"""Questions asked of models, and of this program."""
