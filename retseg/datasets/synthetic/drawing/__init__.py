"""Drawing everyday scenes: outlines filled with materials on a canvas that keeps the label of every pixel."""
