"""Realistic fundus photographs with exact labels: eyes grown from seeds, photographed by given cameras."""
