"""Inference: checkpoints, the sliding window, prediction files."""
