"""Studies over the hyperparameters of a suite's cells, all with one budget: `ganbench tune`. No torch."""
