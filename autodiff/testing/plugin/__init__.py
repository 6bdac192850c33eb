"""What pytest and hypothesis see of the toolkit: hooks, `gradient_property`, profiles, and the page of a run."""
