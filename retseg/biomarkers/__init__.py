"""Measurements of retinal vessels for clinicians and researchers: density, shape, width, branching."""
