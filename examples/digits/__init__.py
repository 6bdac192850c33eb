"""Handwritten digits: 1,797 pictures of 8x8 pixels, bundled with scikit-learn."""
