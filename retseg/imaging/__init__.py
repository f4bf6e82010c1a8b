"""Images: reading and writing, the field of view, geometry, label maps, overlays."""
