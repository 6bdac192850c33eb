"""A Graph as text: the listing, the modules, JSON."""
