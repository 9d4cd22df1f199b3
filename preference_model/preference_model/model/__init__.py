"""The models themselves: the registry, loading, encoding, batches, the forward pass, and servers that hold a model."""
