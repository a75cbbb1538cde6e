"""The commands of `ganbench`, by subject; each imports what it needs when it is called."""
