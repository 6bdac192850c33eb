"""The smallest graph there is: a few numbers, their values and their gradients."""
