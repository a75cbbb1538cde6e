"""Training: the two players advanced step by step."""
