"""Known wrong variants of what `bench` computes, and a runner that shows that the tests tell each of them."""
