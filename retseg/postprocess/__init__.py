"""From what a net says of each pixel to single things: registered ways of telling instances apart."""
