"""retseg: retinal vessel segmentation, from fundus photographs to a report."""
