"""What every room stands on: errors, shared types, the registry, manifests, configuration merging, progress, paths."""
