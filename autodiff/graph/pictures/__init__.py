"""From a Graph to a picture: what shares a box, what it says and its colour, and the ways it is drawn."""
