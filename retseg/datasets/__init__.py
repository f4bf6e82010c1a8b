"""Datasets: plugins that know an owner's layout, and the prepared set."""
