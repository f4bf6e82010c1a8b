"""Training: sampling, augmentation, the loop, its history, the operating point."""
