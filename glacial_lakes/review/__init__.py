"""A person's corrections → decisions kept in the inventory, which every later run respects."""
