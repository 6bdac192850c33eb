"""Pictures of computation graphs, and the page that shows them: `python -m examples.gallery`."""
