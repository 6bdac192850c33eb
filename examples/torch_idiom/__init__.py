"""Training scripts as PyTorch's tutorials write them. Only the import lines would be others under PyTorch."""
