"""A graph as one HTML page that needs no network: Graphviz lays it out once a depth, a small script does the rest."""
