"""From scores to decisions: the table [decision] beside a model, what it means in whole numbers, how to choose it."""
