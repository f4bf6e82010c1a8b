"""The stages: prepare, train, predict, evaluate, report, and what runs them."""
