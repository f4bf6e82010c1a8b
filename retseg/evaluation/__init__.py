"""Evaluation: scores inside the field of view, per image and pooled."""
